#pragma once

/// How far a face can be trusted to be recognised. Made by quality (ISO/IEC 29794-1: a quality
/// score predicts recognition performance; its components say what to do about it).

namespace visavis {

struct Quality {
  float score = 0;            ///< In [0, 1]; larger is better. The components below, combined.
  float eye_distance_px = 0;  ///< Between the eyes' landmarks, in source pixels.
  float yaw_deg =
      0;  ///< Estimated from five points; 0 is frontal, positive turns to the right of the image.
  float pitch_deg = 0;  ///< Positive looks down.
  float roll_deg = 0;   ///< Positive is clockwise in the image.
  float sharpness = 0;  ///< Variance of the Laplacian of the grey chip (8-bit levels squared).
  float contrast = 0;   ///< Standard deviation of the chip's levels, all channels together.
  float exposure =
      0;  ///< Share of the chip's pixels that are neither crushed nor blown out, in [0, 1].
  float confidence = 0;  ///< The detector's, in [0, 1].
  float norm = 0;        ///< The embedding's raw norm; 0 where the model gives it no meaning.
};

}  // namespace visavis
