#include "pair_people.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "visavis/protocols/pairs.hpp"

namespace visavis::protocols {
namespace {

std::string folder_of(const std::string& path) {
  return std::filesystem::path(path).parent_path().string();
}

bool folders_are_people(const PairList& list) {
  return std::ranges::all_of(list.pairs, [](const Pair& pair) {
    return !folder_of(pair.a).empty() && !folder_of(pair.b).empty() &&
           (folder_of(pair.a) == folder_of(pair.b)) == pair.same;
  });
}

/// Photos by number, those of one person under one root (Tarjan's union-find, paths halved).
class Links {
 public:
  std::uint32_t number(const std::string& photo) {
    const auto next = static_cast<std::uint32_t>(roots_.size());
    const std::uint32_t number = numbers_.try_emplace(photo, next).first->second;
    if (number == next) roots_.push_back(next);
    return number;
  }
  std::uint32_t root(std::uint32_t photo) {
    while (roots_[photo] != photo) photo = roots_[photo] = roots_[roots_[photo]];
    return photo;
  }
  void link(std::uint32_t a, std::uint32_t b) { roots_[root(a)] = root(b); }

 private:
  std::map<std::string, std::uint32_t, std::less<>> numbers_;
  std::vector<std::uint32_t> roots_;
};

}  // namespace

PairPeople people_of(const PairList& list) {
  PairPeople people;
  if (folders_are_people(list)) {
    std::map<std::string, std::uint32_t> numbers;
    const auto number = [&](const std::string& path) {
      const auto next = static_cast<std::uint32_t>(numbers.size());
      const auto [it, is_new] = numbers.try_emplace(folder_of(path), next);
      if (is_new) people.names.push_back(std::filesystem::path(it->first).filename().string());
      return it->second;
    };
    for (const Pair& pair : list.pairs) {
      people.a.push_back(number(pair.a));
      people.b.push_back(number(pair.b));
    }
    people.count = numbers.size();
    return people;
  }
  Links links;
  for (const Pair& pair : list.pairs) {
    const std::uint32_t a = links.number(pair.a);
    const std::uint32_t b = links.number(pair.b);
    if (pair.same) links.link(a, b);
  }
  std::map<std::uint32_t, std::uint32_t> numbers;
  const auto number = [&](const std::string& path) {
    const auto next = static_cast<std::uint32_t>(numbers.size());
    return numbers.try_emplace(links.root(links.number(path)), next).first->second;
  };
  for (const Pair& pair : list.pairs) {
    people.a.push_back(number(pair.a));
    people.b.push_back(number(pair.b));
  }
  people.count = numbers.size();
  return people;
}

}  // namespace visavis::protocols
