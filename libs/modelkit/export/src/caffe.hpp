#pragma once

#include <string>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/import/import.hpp>

namespace visavis::modelkit {

/// A .prototxt and a .caffemodel for BVLC Caffe 1.0; Transpose needs the Permute layer of its SSD
/// branch. What Caffe computes otherwise is written so that the same comes out: its poolings round
/// up, so that what is too much is sliced off; padding on one side becomes zeros in the kernel, or
/// a convolution with the unit matrix. A free batch is written as 1, free heights and widths as 48;
/// where they cannot be free in Caffe, the files are for 160 × 160 alone.
/// @return kUnsupported with all operators that Caffe does not have.
[[nodiscard]] Result<std::vector<Part>> export_caffe(const graph::Graph& graph,
                                                     const std::string& stem);

}  // namespace visavis::modelkit
