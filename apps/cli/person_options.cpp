#include "person_options.hpp"

namespace visavis::cli {

void add_person_options(CLI::App& verb, usecases::PersonWords& words) {
  verb.add_option("--name", words.name, "What the person is called; the id unless it is said");
  verb.add_option("--attribute", words.attribute, "Something to know of the person; repeatable")
      ->type_name("KEY=VALUE")
      ->expected(1)
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  verb.add_option("--attributes", words.attributes, "The same as one object, in place of all")
      ->type_name("JSON");
  verb.add_option("--consent", words.consent, "On which basis the person is enrolled")
      ->type_name("BASIS");
  verb.add_option("--consent-at", words.consent_at, "Since when, RFC 3339 (default now)")
      ->type_name("TIME");
  verb.add_option("--expires", words.expires,
                  "From when on the person is no longer found: RFC 3339, 30d, 12w, 1y, or never")
      ->type_name("TIME");
}

}  // namespace visavis::cli
