#include "visavis/core/descriptor.hpp"

#include <unistd.h>

namespace visavis {

Descriptor::~Descriptor() {
  if (value_ >= 0) ::close(value_);
}

}  // namespace visavis
