#pragma once

/// Arithmetic on subnormal numbers (below 1.2e-38) is many times slower on common CPUs, and trained
/// weights hold or produce many: faceplugin-512 takes three times as long with them.

#if defined(__SSE__)
#include <xmmintrin.h>
#endif

namespace visavis::runtime {

/// While it lives, this thread reads and writes subnormal numbers as zero; then the thread's mode
/// is what it was before, whatever a library called in between has done to it. Does nothing on CPUs
/// other than x86. Thread-compatible: it belongs on the stack.
class SubnormalsAsZero {
 public:
#if defined(__SSE__)
  SubnormalsAsZero() noexcept : before_(_mm_getcsr()) {
    constexpr unsigned kFlushToZero = 0x8000;       // results
    constexpr unsigned kDenormalsAreZero = 0x0040;  // operands
    _mm_setcsr(before_ | kFlushToZero | kDenormalsAreZero);
  }
  ~SubnormalsAsZero() { _mm_setcsr(before_); }
#else
  SubnormalsAsZero() noexcept {}
  ~SubnormalsAsZero() {}
#endif
  SubnormalsAsZero(const SubnormalsAsZero&) = delete;
  SubnormalsAsZero& operator=(const SubnormalsAsZero&) = delete;

#if defined(__SSE__)
 private:
  unsigned before_;
#endif
};

}  // namespace visavis::runtime
