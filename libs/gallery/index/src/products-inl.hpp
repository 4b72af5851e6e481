// Products of 16-bit numbers, for kernels that are compiled once for each instruction set.
#if defined(VISAVIS_INDEX_PRODUCTS) == defined(HWY_TARGET_TOGGLE)
#ifdef VISAVIS_INDEX_PRODUCTS
#undef VISAVIS_INDEX_PRODUCTS
#else
#define VISAVIS_INDEX_PRODUCTS
#endif

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace visavis::index {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// sum + the products of each lane's two halves.
template <class D, class D16 = hn::Repartition<std::int16_t, D>>
HWY_INLINE hn::Vec<D> add_products(D d32, hn::Vec<D16> a, hn::Vec<D16> b, hn::Vec<D> sum) {
#if HWY_TARGET == HWY_AVX3_DL
  // Highway 1.0.3 asks for VNNI before it runs this target, but does not tell the compiler.
  (void)d32;
  __asm__("vpdpwssd %2, %1, %0" : "+v"(sum.raw) : "v"(a.raw), "v"(b.raw));
  return sum;
#elif HWY_ARCH_X86
  // Neighbours are added in place here, and nothing goes to the other sum.
  auto unused = hn::Zero(d32);
  return hn::ReorderWidenMulAccumulate(d32, a, b, sum, unused);
#else
  const auto a32 = hn::BitCast(d32, a);
  const auto b32 = hn::BitCast(d32, b);
  const auto low = hn::Mul(hn::ShiftRight<16>(hn::ShiftLeft<16>(a32)),
                           hn::ShiftRight<16>(hn::ShiftLeft<16>(b32)));
  return hn::Add(sum, hn::Add(low, hn::Mul(hn::ShiftRight<16>(a32), hn::ShiftRight<16>(b32))));
#endif
}

}  // namespace HWY_NAMESPACE
}  // namespace visavis::index
HWY_AFTER_NAMESPACE();

#endif  // VISAVIS_INDEX_PRODUCTS
