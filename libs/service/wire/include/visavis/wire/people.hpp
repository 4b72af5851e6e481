#pragma once

/// JSON of the verbs that ask who somebody is.

#include <string>
#include <visavis/usecases/cluster.hpp>
#include <visavis/usecases/people.hpp>

namespace visavis::wire {

[[nodiscard]] std::string to_json(const usecases::Verification& verification);
[[nodiscard]] std::string to_json(const usecases::Enrolment& enrolment);
[[nodiscard]] std::string to_json(const usecases::Identification& identification);
[[nodiscard]] std::string to_json(const usecases::Clustering& clustering);

}  // namespace visavis::wire
