#pragma once

#include <functional>
#include <memory>

#include "address.hpp"
#include "hosts.hpp"
#include "resolve.hpp"
#include "visavis/fetch/fetcher.hpp"

namespace visavis::fetch {

/// What a fetcher stands on. Only tests make another than make_surroundings() does.
struct Surroundings {
  Resolver resolve;
  std::function<bool(const Address&)> may_connect;
};

struct Fetcher::Impl {
  FetchPolicy policy;
  Hosts hosts;
  Surroundings around;
};

struct FetcherParts {
  static Result<Fetcher> make(const FetchPolicy& policy, Surroundings around);
};

}  // namespace visavis::fetch
