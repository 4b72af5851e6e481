#pragma once

/// The part of TensorFlow Lite's C API that the adapter calls (tensorflow/lite/c/c_api.h of 2.20;
/// its functions stay as they are from version to version). The package that brings the library
/// brings no headers.

#include <cstdarg>
#include <cstddef>
#include <cstdint>

extern "C" {

struct TfLiteModel;
struct TfLiteInterpreterOptions;
struct TfLiteInterpreter;
struct TfLiteTensor;
struct TfLiteDelegate;

/// Of XNNPACK (xnnpack_delegate.h). What follows the first fields differs from version to version:
/// the library fills it, and reads it back. It is returned through memory, so that more room than
/// it needs does no harm.
struct TfLiteXNNPackDelegateOptions {
  std::int32_t num_threads;
  std::uint32_t runtime_flags;  ///< XNN_FLAG_… (xnnpack.h)
  std::byte rest[248];
};
inline constexpr std::uint32_t kXnnNoOperatorFusion = 0x80000000;

enum TfLiteStatus : int { kTfLiteOk = 0 };
enum TfLiteType : int {
  kTfLiteFloat32 = 1,
  kTfLiteUInt8 = 3,
  kTfLiteInt64 = 4,
  kTfLiteInt8 = 9,
  kTfLiteFloat16 = 10
};

using TfLiteReporter = void (*)(void* user, const char* format, va_list arguments);

const char* TfLiteVersion();
TfLiteModel* TfLiteModelCreateWithErrorReporter(const void* data, std::size_t size,
                                                TfLiteReporter reporter, void* user);
void TfLiteModelDelete(TfLiteModel*);
TfLiteInterpreterOptions* TfLiteInterpreterOptionsCreate();
void TfLiteInterpreterOptionsDelete(TfLiteInterpreterOptions*);
void TfLiteInterpreterOptionsSetNumThreads(TfLiteInterpreterOptions*, std::int32_t threads);
void TfLiteInterpreterOptionsSetErrorReporter(TfLiteInterpreterOptions*, TfLiteReporter reporter,
                                              void* user);
void TfLiteInterpreterOptionsAddDelegate(TfLiteInterpreterOptions*, TfLiteDelegate*);
TfLiteXNNPackDelegateOptions TfLiteXNNPackDelegateOptionsDefault();
TfLiteDelegate* TfLiteXNNPackDelegateCreate(const TfLiteXNNPackDelegateOptions*);
void TfLiteXNNPackDelegateDelete(TfLiteDelegate*);
TfLiteInterpreter* TfLiteInterpreterCreate(const TfLiteModel*, const TfLiteInterpreterOptions*);
void TfLiteInterpreterDelete(TfLiteInterpreter*);
TfLiteTensor* TfLiteInterpreterGetInputTensor(const TfLiteInterpreter*, std::int32_t index);
TfLiteStatus TfLiteInterpreterResizeInputTensor(TfLiteInterpreter*, std::int32_t index,
                                                const int* sides, std::int32_t rank);
TfLiteStatus TfLiteInterpreterAllocateTensors(TfLiteInterpreter*);
TfLiteStatus TfLiteInterpreterInvoke(TfLiteInterpreter*);
const TfLiteTensor* TfLiteInterpreterGetOutputTensor(const TfLiteInterpreter*, std::int32_t index);
TfLiteType TfLiteTensorType(const TfLiteTensor*);
std::int32_t TfLiteTensorNumDims(const TfLiteTensor*);
std::int32_t TfLiteTensorDim(const TfLiteTensor*, std::int32_t index);
std::size_t TfLiteTensorByteSize(const TfLiteTensor*);
void* TfLiteTensorData(const TfLiteTensor*);
TfLiteStatus TfLiteTensorCopyFromBuffer(TfLiteTensor*, const void* data, std::size_t size);

}  // extern "C"

namespace tflite {

/// Of what the library would write to the standard error of the program (minimal_logging.h).
enum LogSeverity : int { TFLITE_LOG_SILENT = 4 };
class LoggerOptions {
 public:
  static LogSeverity SetMinimumLogSeverity(LogSeverity severity);
};

}  // namespace tflite
