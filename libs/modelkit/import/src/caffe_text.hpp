#pragma once

/// Text in the form that protocol buffers have for people (protobuf.dev, Text Format Language
/// Specification), as Caffe's .prototxt is written in.

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>
#include <visavis/core/result.hpp>

namespace visavis::modelkit {

/// The fields between two braces, or of a whole file. It remembers which of them were asked for:
/// what nobody asked for is what the reader does not understand. Thread-compatible.
class CaffeText {
 public:
  /// @return kDecodeFailed for what is no such text, is nested deeper than 16 or has more than a
  /// million fields.
  [[nodiscard]] static Result<CaffeText> read(std::string_view text);

  [[nodiscard]] bool has(std::string_view field);
  // A field that may be there once.
  // @return `otherwise` if it is absent; kDecodeFailed if it is of another type or there twice.
  [[nodiscard]] Result<std::int64_t> integer(std::string_view field, std::int64_t otherwise);
  [[nodiscard]] Result<double> number(std::string_view field, double otherwise);
  [[nodiscard]] Result<bool> boolean(std::string_view field, bool otherwise);
  /// A string, or the name of an enumerator.
  [[nodiscard]] Result<std::string> word(std::string_view field, const std::string& otherwise);
  /// Empty, if it is absent.
  [[nodiscard]] Result<CaffeText*> message(std::string_view field);
  // All fields of that name.
  [[nodiscard]] Result<std::vector<std::int64_t>> integers(std::string_view field);
  [[nodiscard]] Result<std::vector<double>> numbers(std::string_view field);
  [[nodiscard]] Result<std::vector<std::string>> words(std::string_view field);
  [[nodiscard]] Result<std::vector<CaffeText*>> messages(std::string_view field);

  /// These fields say nothing about what is computed.
  void pass_over(std::initializer_list<std::string_view> fields);
  void pass_over_all();
  /// "group_param.size (line 12)" for each field that was neither asked for nor passed over.
  [[nodiscard]] std::vector<std::string> not_understood() const;

  [[nodiscard]] std::size_t line() const noexcept { return line_; }  ///< From 1; where it begins.

 private:
  friend class CaffeTextReader;
  struct Field;

  [[nodiscard]] std::vector<Field*> find(std::string_view field);
  [[nodiscard]] Result<Field*> find_one(std::string_view field);
  void collect(const std::string& prefix, std::vector<std::string>& out) const;

  std::vector<Field> fields_;
  std::size_t line_ = 1;
};

struct CaffeText::Field {
  enum class Kind : std::uint8_t { kWord, kString, kMessage };
  std::string name;
  std::size_t line = 0;
  Kind kind = Kind::kWord;  ///< A word is a number or an enumerator.
  std::string text{};
  CaffeText inside{};
  bool was_read = false;
};

}  // namespace visavis::modelkit
