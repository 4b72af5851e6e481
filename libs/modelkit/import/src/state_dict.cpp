#include "state_dict.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <expected>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <visavis/core/half.hpp>
#include <visavis/core/result.hpp>

#include "npy.hpp"
#include "pickle.hpp"
#include "refusals.hpp"
#include "safetensors.hpp"
#include "zip.hpp"

namespace visavis::modelkit {
namespace {

using Kind = Node::Kind;
using Weights = std::map<std::string, Weight, std::less<>>;
using Members = std::map<std::string, std::vector<std::byte>, std::less<>>;
using Storages = std::map<std::string, std::span<const std::byte>, std::less<>>;

struct DtypeFacts {
  std::string_view storage;
  std::string_view name;
  std::size_t bytes;
};
/// In the order of the enumerators.
constexpr std::array<DtypeFacts, 10> kDtypes = {{{"torch FloatStorage", "float32", 4},
                                                 {"torch DoubleStorage", "float64", 8},
                                                 {"torch HalfStorage", "float16", 2},
                                                 {"torch BFloat16Storage", "bfloat16", 2},
                                                 {"torch LongStorage", "int64", 8},
                                                 {"torch IntStorage", "int32", 4},
                                                 {"torch ShortStorage", "int16", 2},
                                                 {"torch CharStorage", "int8", 1},
                                                 {"torch ByteStorage", "uint8", 1},
                                                 {"torch BoolStorage", "bool", 1}}};

/// The first two pickles of the old layout hold these numbers (torch/serialization.py).
constexpr std::string_view kMagic("\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 10);
constexpr std::int64_t kProtocol = 1001;
constexpr std::size_t kMaxDimensions = 16;
constexpr std::string_view kNumpy = "NumPy arrays";
constexpr std::string_view kSafetensors = "safetensors";
constexpr std::string_view kNpySuffix = ".npy";

std::unexpected<Error> damaged(const std::string& what) {
  return fail(ErrorCode::kDecodeFailed, "the PyTorch file is damaged: " + what);
}

/// What a storage node says of itself.
struct StorageFacts {
  Dtype dtype;
  std::string key;
  std::size_t count;
};

Result<StorageFacts> storage_facts(const Pickle& pickle, const Node& node) {
  const Node& type = pickle[node.items[0]];
  const Node& key = pickle[node.items[1]];
  const Node& count = pickle[node.items[3]];
  const auto found = std::ranges::find(kDtypes, type.text, &DtypeFacts::storage);
  if (type.kind != Kind::kName || found == kDtypes.end() || key.kind != Kind::kText ||
      count.kind != Kind::kInteger || count.integer < 0)
    return damaged("a storage without type, key or size");
  if (node.items.size() > 4 && pickle[node.items[4]].kind != Kind::kNone)
    return fail(ErrorCode::kUnsupported,
                "the PyTorch file shares one storage between views, as only very old versions did");
  return StorageFacts{.dtype = static_cast<Dtype>(found - kDtypes.begin()),
                      .key = key.text,
                      .count = static_cast<std::size_t>(count.integer)};
}

Result<std::vector<std::int64_t>> extents(const Pickle& pickle, const Node& tuple) {
  if (tuple.items.size() > kMaxDimensions) return damaged("a tensor of too many dimensions");
  std::vector<std::int64_t> out;
  for (const NodeId id : tuple.items) {
    const Node& node = pickle[id];
    if (node.kind != Kind::kInteger || node.integer < 0 ||
        node.integer > std::numeric_limits<std::int32_t>::max())
      return damaged("a tensor's size or stride is no number");
    out.push_back(node.integer);
  }
  return out;
}

/// The index behind the last element that the view touches; empty for a sum beyond all storages.
std::optional<std::size_t> reach(const Weight& weight) {
  constexpr std::size_t kMost = std::size_t{1} << 32U;
  std::size_t last = weight.offset;
  std::size_t count = 1;
  for (std::size_t i = 0; i < weight.shape.size(); ++i) {
    if (weight.shape[i] == 0) return 0;
    const auto extent = static_cast<std::size_t>(weight.shape[i]);
    last += (extent - 1) * static_cast<std::size_t>(weight.stride[i]);
    count *= extent;
    if (last > kMost || count > kMost) return std::nullopt;
  }
  return std::max(last + 1, count);  // a stride of zero must not make much out of little
}

Result<Weight> weight_from(const Pickle& pickle, const Node& node, const Storages& storages) {
  VISAVIS_TRY(facts, storage_facts(pickle, pickle[node.items[0]]));
  VISAVIS_TRY(shape, extents(pickle, pickle[node.items[2]]));
  VISAVIS_TRY(stride, extents(pickle, pickle[node.items[3]]));
  const std::int64_t offset = pickle[node.items[1]].integer;
  const auto storage = storages.find(facts.key);
  if (storage == storages.end()) return damaged("a storage is missing");
  const std::size_t held = storage->second.size() / bytes_of(facts.dtype);
  if (held < facts.count) return damaged("a storage is shorter than announced");
  if (shape.size() != stride.size() || offset < 0 || static_cast<std::size_t>(offset) > held)
    return damaged("a tensor's size, stride and offset do not fit together");
  Weight weight{.dtype = facts.dtype,
                .shape = std::move(shape),
                .stride = std::move(stride),
                .offset = static_cast<std::size_t>(offset),
                .storage = storage->second};
  const std::optional<std::size_t> end = reach(weight);
  if (!end || *end > held) return damaged("a tensor reaches beyond its storage");
  return weight;
}

/// What training checkpoints call the weights that are wanted.
constexpr auto kNested = std::to_array<std::string_view>(
    {"state_dict", "model_state_dict", "state_dict_backbone", "model", "net"});

/// Tensors by name, at least one.
bool is_state_dict(const Pickle& pickle, const Node& node) {
  if (node.kind != Kind::kDict || node.items.empty()) return false;
  for (std::size_t i = 0; i + 1 < node.items.size(); i += 2)
    if (pickle[node.items[i]].kind != Kind::kText ||
        pickle[node.items[i + 1]].kind != Kind::kTensor)
      return false;
  return true;
}

/// "epoch, student, teacher", the first of them.
std::string keys_of(const Pickle& pickle, const Node& dict) {
  constexpr std::size_t kMostNamed = 20;
  std::string text;
  for (std::size_t i = 0; i + 1 < dict.items.size() && i < 2 * kMostNamed; i += 2) {
    const Node& key = pickle[dict.items[i]];
    text += (i == 0 ? "" : ", ") + (key.kind == Kind::kText ? printable(key.text) : "no name");
  }
  return text + (dict.items.size() > 2 * kMostNamed ? " and more" : "");
}

/// The dictionary of tensors: the root itself, or the one inside a training checkpoint.
Result<NodeId> dictionary(const Pickle& pickle) {
  const Node& root = pickle[pickle.root];
  if (root.kind != Kind::kDict)
    return fail(ErrorCode::kUnsupported, "the PyTorch file holds no state dict");
  if (root.items.empty() || is_state_dict(pickle, root)) return pickle.root;
  std::vector<NodeId> found;
  const NodeId* known = nullptr;
  for (std::size_t i = 0; i + 1 < root.items.size(); i += 2) {
    if (!is_state_dict(pickle, pickle[root.items[i + 1]])) continue;
    found.push_back(root.items[i + 1]);
    if (known == nullptr && std::ranges::find(kNested, pickle[root.items[i]].text) != kNested.end())
      known = &root.items[i + 1];
  }
  if (known != nullptr) return *known;
  if (found.size() == 1) return found.front();
  return fail(ErrorCode::kUnsupported,
              "the PyTorch file holds something else than tensors by name, and " +
                  std::string(found.empty() ? "none" : "several") +
                  " of its entries is a state dict: " + keys_of(pickle, root));
}

Result<Weights> weights_from(const Pickle& pickle, const Storages& storages) {
  VISAVIS_TRY(root, dictionary(pickle));
  const std::vector<NodeId>& items = pickle[root].items;
  Weights weights;
  for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
    const Node& key = pickle[items[i]];
    const Node& value = pickle[items[i + 1]];
    if (key.kind != Kind::kText || value.kind != Kind::kTensor)
      return fail(ErrorCode::kUnsupported,
                  "the PyTorch file holds something else than tensors by name");
    VISAVIS_TRY(weight, weight_from(pickle, value, storages));
    if (!weights.emplace(key.text, std::move(weight)).second)
      return damaged("a name is there twice");
  }
  return weights;
}

/// Every storage the pickle mentions, for the old layout that tells their sizes nowhere else.
Result<std::map<std::string, StorageFacts, std::less<>>> storages_in(const Pickle& pickle) {
  std::map<std::string, StorageFacts, std::less<>> out;
  for (const Node& node : pickle.nodes) {
    if (node.kind != Kind::kStorage) continue;
    VISAVIS_TRY(facts, storage_facts(pickle, node));
    std::string key = facts.key;
    out.emplace(std::move(key), std::move(facts));
  }
  return out;
}

/// The chain of pickles before PyTorch 1.6: magic number, protocol, facts about the machine, the
/// object, the storages' keys; then for each key its count and its elements.
class OldLayout {
 public:
  explicit OldLayout(std::span<const std::byte> bytes) : rest_(bytes) {}

  Result<Weights> read() {
    VISAVIS_TRY(magic, next());
    if (magic[magic.root].text != kMagic)
      return fail(ErrorCode::kDecodeFailed, "it is no PyTorch file");
    VISAVIS_TRY(protocol, next());
    if (protocol[protocol.root].integer != kProtocol)
      return fail(ErrorCode::kUnsupported, "the PyTorch file has another protocol than 1001");
    VISAVIS_TRY(machine, next());
    if (!is_little_endian(machine))
      return fail(ErrorCode::kUnsupported, "the PyTorch file is big-endian");
    VISAVIS_TRY(object, next());
    VISAVIS_TRY(keys, next());
    VISAVIS_TRY(storages, read_storages(object, keys));
    return weights_from(object, storages);
  }

 private:
  Result<Pickle> next() {
    VISAVIS_TRY(pickle, read_pickle(rest_));
    rest_ = rest_.subspan(pickle.size);
    return pickle;
  }

  static bool is_little_endian(const Pickle& pickle) {
    const std::vector<NodeId>& items = pickle[pickle.root].items;
    for (std::size_t i = 0; i + 1 < items.size(); i += 2)
      if (pickle[items[i]].text == "little_endian") return pickle[items[i + 1]].integer == 1;
    return false;
  }

  Result<Storages> read_storages(const Pickle& object, const Pickle& keys) {
    VISAVIS_TRY(facts, storages_in(object));
    Storages storages;
    for (const NodeId id : keys[keys.root].items) {
      const auto found = facts.find(keys[id].text);
      if (found == facts.end()) return damaged("a storage that no tensor uses");
      std::uint64_t count = 0;
      if (rest_.size() < sizeof count) return damaged("it ends too early");
      std::memcpy(&count, rest_.data(), sizeof count);
      rest_ = rest_.subspan(sizeof count);
      const std::size_t element = bytes_of(found->second.dtype);
      if (count != found->second.count || count > rest_.size() / element)
        return damaged("a storage's size is not what was announced");
      storages.emplace(found->first, rest_.first(count * element));
      rest_ = rest_.subspan(count * element);
    }
    return storages;
  }

  std::span<const std::byte> rest_;
};

/// The zip of PyTorch 1.6 and later: one folder with the pickle and a file for each storage.
Result<Weights> weights_from_zip(const Members& members) {
  const auto object = std::ranges::find_if(
      members, [](const auto& member) { return member.first.ends_with("/data.pkl"); });
  if (members.contains("model.weights.h5"))
    return fail(ErrorCode::kUnsupported,
                "this is a .keras file, which is not read: write a SavedModel with model.export");
  if (object == members.end())
    return fail(ErrorCode::kDecodeFailed,
                "the zip archive is neither a PyTorch file nor one of NumPy's");
  const std::string folder = object->first.substr(0, object->first.size() - 8);
  if (members.contains(folder + "constants.pkl"))
    return fail(
        ErrorCode::kUnsupported,
        "this is TorchScript, which is code and is not read: save the model's state_dict()");
  const auto order = members.find(folder + "byteorder");
  if (order != members.end() && !order->second.empty() && order->second[0] == std::byte{'b'})
    return fail(ErrorCode::kUnsupported, "the PyTorch file is big-endian");
  VISAVIS_TRY(pickle, read_pickle(object->second));
  Storages storages;
  const std::string data = folder + "data/";
  for (const auto& [name, contents] : members)
    if (name.starts_with(data)) storages.emplace(name.substr(data.size()), contents);
  return weights_from(pickle, storages);
}

/// The zip of numpy.savez: an array for each name.
Result<Weights> weights_from_arrays(const Members& members) {
  Weights weights;
  for (const auto& [name, contents] : members) {
    VISAVIS_TRY(array, read_npy(contents));
    weights.emplace(name.substr(0, name.size() - kNpySuffix.size()), std::move(array));
  }
  return weights;
}

template <class T>
double value_at(std::span<const std::byte> storage, std::size_t index) {
  T value{};
  std::memcpy(&value, storage.data() + index * sizeof value, sizeof value);
  return static_cast<double>(value);
}

double element(const Weight& weight, std::size_t index) {
  switch (weight.dtype) {
    case Dtype::kFloat32:
      return value_at<float>(weight.storage, index);
    case Dtype::kFloat64:
      return value_at<double>(weight.storage, index);
    case Dtype::kFloat16:
      return from_half(static_cast<std::uint16_t>(value_at<std::uint16_t>(weight.storage, index)));
    case Dtype::kBfloat16:
      return std::bit_cast<float>(
          static_cast<std::uint32_t>(value_at<std::uint16_t>(weight.storage, index)) << 16U);
    case Dtype::kInt64:
      return value_at<std::int64_t>(weight.storage, index);
    case Dtype::kInt32:
      return value_at<std::int32_t>(weight.storage, index);
    case Dtype::kInt16:
      return value_at<std::int16_t>(weight.storage, index);
    case Dtype::kInt8:
      return value_at<std::int8_t>(weight.storage, index);
    case Dtype::kUint8:
    case Dtype::kBool:
      return value_at<std::uint8_t>(weight.storage, index);
  }
  return 0;
}

std::string in_words(std::span<const std::int64_t> shape) {
  std::string text = "[";
  for (const std::int64_t n : shape) text += (text.size() > 1 ? ", " : "") + std::to_string(n);
  return text + "]";
}

}  // namespace

std::string_view to_string(Dtype dtype) noexcept {
  return kDtypes[static_cast<std::size_t>(dtype)].name;
}

std::size_t bytes_of(Dtype dtype) noexcept {
  return kDtypes[static_cast<std::size_t>(dtype)].bytes;
}

std::size_t Weight::count() const noexcept {
  std::size_t count = 1;
  for (const std::int64_t n : shape) count *= static_cast<std::size_t>(n);
  return count;
}

Result<StateDict> StateDict::read(std::span<const std::byte> bytes) {
  StateDict out;
  if (is_npy(bytes)) {
    VISAVIS_TRY(array, read_npy(bytes));
    out.format_ = kNumpy;
    out.weights_.emplace("array", std::move(array));
    return out;
  }
  if (looks_like_safetensors(bytes)) {
    VISAVIS_TRY(weights, read_safetensors(bytes));
    out.format_ = kSafetensors;
    out.weights_ = std::move(weights);
    return out;
  }
  const bool zip = bytes.size() > 4 && std::memcmp(bytes.data(), "PK\x03\x04", 4) == 0;
  if (!zip) {
    VISAVIS_TRY(weights, OldLayout(bytes).read());
    out.weights_ = std::move(weights);
    return out;
  }
  VISAVIS_TRY(members, read_zip(bytes));
  const bool arrays = std::ranges::all_of(
      members, [](const auto& member) { return member.first.ends_with(kNpySuffix); });
  if (arrays && !members.empty()) out.format_ = kNumpy;
  VISAVIS_TRY(weights,
              out.format_ == kNumpy ? weights_from_arrays(members) : weights_from_zip(members));
  out.weights_ = std::move(weights);
  out.unpacked_ = std::move(members);  // a map's elements stay where they are
  return out;
}

Result<std::vector<float>> StateDict::floats(std::string_view name,
                                             std::span<const std::int64_t> shape) const {
  const auto found = weights_.find(name);
  if (found == weights_.end())
    return fail(ErrorCode::kNotFound, "the weights hold no " + std::string(name));
  const Weight& weight = found->second;
  if (!std::ranges::equal(weight.shape, shape))
    return fail(ErrorCode::kModelMismatch, std::string(name) + " has shape " +
                                               in_words(weight.shape) + ", not " + in_words(shape));
  std::vector<float> out(weight.count());
  std::vector<std::int64_t> index(shape.size(), 0);
  std::size_t at = weight.offset;
  for (float& value : out) {
    value = static_cast<float>(element(weight, at));
    for (std::size_t d = shape.size(); d-- > 0;) {  // the next index in row-major order
      at += static_cast<std::size_t>(weight.stride[d]);
      if (++index[d] < shape[d]) break;
      at -= static_cast<std::size_t>(weight.stride[d] * shape[d]);
      index[d] = 0;
    }
  }
  return out;
}

}  // namespace visavis::modelkit
