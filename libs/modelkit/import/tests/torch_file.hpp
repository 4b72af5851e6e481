#pragma once

/// State dicts for tests: weights by the formula of tests/golden/make_architecture_goldens.py, in a
/// file as torch.save wrote it before PyTorch 1.6.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace visavis::modelkit {

struct TorchTensor {
  std::string name;
  std::vector<std::int64_t> shape;
  std::vector<float> values;
};

/// What a list of modules says of one of them.
struct TorchModule {
  std::string kind;  ///< "conv", "linear", either with "+bias", "bn" or "prelu".
  std::string name;
  std::vector<std::int64_t> shape;
  double spread = 0;
};

/// splitmix64 from the FNV-1a hash of a name; 24 bits each.
class Numbers {
 public:
  explicit Numbers(std::string_view name) {
    for (const char c : name) {
      state_ ^= static_cast<unsigned char>(c);
      state_ *= 0x100000001B3U;
    }
  }

  std::int64_t next() {
    state_ += 0x9E3779B97F4A7C15U;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
    return static_cast<std::int64_t>((z ^ (z >> 31U)) >> 40U);
  }

  double unit() { return static_cast<double>(next()) / 0x1p24; }

 private:
  std::uint64_t state_ = 0xCBF29CE484222325U;
};

/// One number for each channel, as `formula` makes it of u.
template <class Formula>
TorchTensor channel_numbers(const std::string& name, std::int64_t channels, Formula formula) {
  TorchTensor out{.name = name, .shape = {channels}, .values = {}};
  Numbers numbers(name);
  for (std::int64_t i = 0; i < channels; ++i)
    out.values.push_back(static_cast<float>(formula(numbers.unit())));
  return out;
}

inline TorchTensor kernel_numbers(const std::string& name, const TorchModule& module) {
  TorchTensor out{.name = name, .shape = module.shape, .values = {}};
  std::int64_t count = 1;
  for (std::size_t i = 1; i < module.shape.size(); ++i) count *= module.shape[i];
  const auto n = static_cast<double>(count);
  const double step = module.spread * std::sqrt(3 / n) / (0x1p23 * n);
  out.values.reserve(static_cast<std::size_t>(count * module.shape[0]));
  Numbers numbers(name);
  std::vector<std::int64_t> row(static_cast<std::size_t>(count));
  for (std::int64_t output = 0; output < module.shape[0]; ++output) {
    std::int64_t sum = 0;
    for (std::int64_t& k : row) sum += k = numbers.next();
    for (const std::int64_t k : row)
      out.values.push_back(static_cast<float>(static_cast<double>(k * count - sum) * step));
  }
  return out;
}

/// The tensors of a module, in the order of the goldens' hash.
inline void append_tensors(const TorchModule& module, std::vector<TorchTensor>& out) {
  const std::string& name = module.name;
  const double spread = module.spread;
  const std::int64_t channels = module.shape[0];
  const auto add = [&](const char* part, auto formula) {
    out.push_back(channel_numbers(name + part, channels, formula));
  };
  if (module.kind == "prelu") return add(".weight", [](double u) { return .125 + u / 4; });
  if (module.kind != "bn") {
    out.push_back(kernel_numbers(name + ".weight", module));
    if (module.kind.ends_with("+bias"))
      add(".bias", [&](double u) { return (2 * u - 1) * (spread / 2); });
    return;
  }
  add(".weight", [](double u) { return .75 + u / 2; });
  add(".bias", [](double u) { return (u - .5) / 4; });
  add(".running_mean", [&](double u) { return (u - .5) * (spread / 4); });
  add(".running_var", [&](double u) { return (u + .5) * (spread * spread); });
}

/// Pickle opcodes: Python's pickletools. Layout: torch/serialization.py, _legacy_save.
class TorchFile {
 public:
  /// The weights, inside a dictionary under `nested` unless that is empty.
  std::vector<std::byte> write(const std::vector<TorchTensor>& tensors, const std::string& nested) {
    text_ = {"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.", 21};
    text_ += "\x80\x02}";
    add_text("little_endian");
    text_ += "\x88s.\x80\x02";
    if (!nested.empty()) {
      text_ += '}';
      add_text(nested);
    }
    text_ += "ccollections\nOrderedDict\n)R(";
    for (const TorchTensor& tensor : tensors) add_tensor(tensor);
    text_ += nested.empty() ? "u.\x80\x02](" : "us.\x80\x02](";
    for (const TorchTensor& tensor : tensors) add_text(tensor.name);
    text_ += "e.";
    for (const TorchTensor& tensor : tensors) add_storage(tensor);
    const auto* first = reinterpret_cast<const std::byte*>(text_.data());
    return {first, first + text_.size()};
  }

 private:
  template <class T>
  void add_bytes(const T* values, std::size_t count) {
    text_.append(reinterpret_cast<const char*>(values), count * sizeof(T));
  }

  void add_text(std::string_view text) {
    text_ += 'X';
    const auto size = static_cast<std::uint32_t>(text.size());
    add_bytes(&size, 1);
    text_ += text;
  }

  void add_integer(std::int64_t value) {
    text_ += 'J';
    const auto narrow = static_cast<std::int32_t>(value);
    add_bytes(&narrow, 1);
  }

  void add_tuple(const std::vector<std::int64_t>& values) {
    text_ += '(';
    for (const std::int64_t value : values) add_integer(value);
    text_ += 't';
  }

  void add_tensor(const TorchTensor& tensor) {
    add_text(tensor.name);
    text_ += "ctorch._utils\n_rebuild_tensor_v2\n((";
    add_text("storage");
    text_ += "ctorch\nFloatStorage\n";
    add_text(tensor.name);
    add_text("cpu");
    add_integer(static_cast<std::int64_t>(tensor.values.size()));
    text_ += "NtQ";
    add_integer(0);
    std::vector<std::int64_t> strides(tensor.shape.size(), 1);
    for (std::size_t i = strides.size(); i-- > 1;) strides[i - 1] = strides[i] * tensor.shape[i];
    add_tuple(tensor.shape);
    add_tuple(strides);
    text_ +=
        "\x89"
        "ccollections\nOrderedDict\n)RtR";
  }

  void add_storage(const TorchTensor& tensor) {
    const std::uint64_t count = tensor.values.size();
    add_bytes(&count, 1);
    add_bytes(tensor.values.data(), tensor.values.size());
  }

  std::string text_;
};

inline std::vector<std::byte> torch_file(const std::vector<TorchTensor>& tensors,
                                         const std::string& nested = {}) {
  return TorchFile().write(tensors, nested);
}

}  // namespace visavis::modelkit
