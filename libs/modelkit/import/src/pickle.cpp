#include "pickle.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>

namespace visavis::modelkit {
namespace {

using Kind = Node::Kind;

/// Objects, marks and what is remembered, each. A thousand weights are 25,000 objects.
constexpr std::size_t kMostNodes = 1'000'000;

constexpr std::array<std::string_view, 13> kNames = {
    "collections OrderedDict",
    "torch._utils _rebuild_tensor_v2",
    "torch._utils _rebuild_parameter",
    "torch FloatStorage",
    "torch DoubleStorage",
    "torch HalfStorage",
    "torch BFloat16Storage",
    "torch LongStorage",
    "torch IntStorage",
    "torch ShortStorage",
    "torch CharStorage",
    "torch ByteStorage",
    "torch BoolStorage",
};

enum Opcode : std::uint8_t {
  kMark = '(',
  kStop = '.',
  kBinFloat = 'G',
  kBinInt = 'J',
  kBinInt1 = 'K',
  kBinInt2 = 'M',
  kNoneOp = 'N',
  kBinPersId = 'Q',
  kReduce = 'R',
  kShortBinString = 'U',
  kBinUnicode = 'X',
  kEmptyList = ']',
  kAppend = 'a',
  kBuild = 'b',
  kGlobal = 'c',
  kAppends = 'e',
  kBinGet = 'h',
  kLongBinGet = 'j',
  kBinPut = 'q',
  kLongBinPut = 'r',
  kSetItem = 's',
  kTupleOp = 't',
  kSetItems = 'u',
  kEmptyDict = '}',
  kEmptyTuple = ')',
  kProto = 0x80,
  kTuple1 = 0x85,
  kTuple2 = 0x86,
  kTuple3 = 0x87,
  kNewTrue = 0x88,
  kNewFalse = 0x89,
  kLong1 = 0x8a,
  kShortBinUnicode = 0x8c,
  kStackGlobal = 0x93,
  kMemoize = 0x94,
  kFrame = 0x95,
};

/// The machine of the pickle format: a stack of objects, marks on it, and a memo.
class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  Result<Pickle> run() {
    while (!problem_ && !stopped_) step();
    if (problem_) return std::unexpected(*std::move(problem_));
    return std::move(out_);
  }

 private:
  void damaged(const char* what) {
    if (!problem_)
      problem_ = Error{ErrorCode::kDecodeFailed, std::string("the pickle is damaged: ") + what};
  }
  void too_many() {
    if (!problem_)
      problem_ = Error{ErrorCode::kResourceExhausted, "the pickle has too many objects"};
  }
  void unsupported(std::string message) {
    if (!problem_) problem_ = Error{ErrorCode::kUnsupported, std::move(message)};
  }

  std::span<const std::byte> take(std::size_t count) {
    if (count > bytes_.size() - at_) {
      damaged("it ends too early");
      at_ = bytes_.size();
      return {};
    }
    at_ += count;
    return bytes_.subspan(at_ - count, count);
  }

  std::uint64_t little_endian(std::size_t count) {
    std::uint64_t value = 0;
    const std::span<const std::byte> bytes = take(count);
    for (std::size_t i = bytes.size(); i-- > 0;)
      value = (value << 8U) | std::to_integer<std::uint64_t>(bytes[i]);
    return value;
  }

  std::string text(std::size_t count) {
    const std::span<const std::byte> bytes = take(count);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }

  std::string line() {
    const auto rest = bytes_.subspan(at_);
    const auto end = std::ranges::find(rest, std::byte{'\n'});
    if (end == rest.end()) {
      damaged("a line does not end");
      return {};
    }
    std::string out = text(static_cast<std::size_t>(end - rest.begin()));
    ++at_;
    return out;
  }

  /// Lists may be recalled and copied again and again, so what is copied is limited as a whole. An
  /// object takes many times the byte or two that it is written in.
  NodeId make(Node node) {
    held_ += node.items.size();
    if (held_ > 4 * bytes_.size()) damaged("it holds more than its size allows");
    if (out_.nodes.size() >= kMostNodes) too_many();
    out_.nodes.push_back(std::move(node));
    return static_cast<NodeId>(out_.nodes.size() - 1);
  }
  void push(Node node) { stack_.push_back(make(std::move(node))); }
  void push(NodeId id) { stack_.push_back(id); }

  /// How much lies on the stack above the last mark.
  [[nodiscard]] std::size_t available() const {
    return stack_.size() - (marks_.empty() ? 0 : marks_.back());
  }

  NodeId pop() {
    if (available() == 0) {
      damaged("the stack is empty");
      return make({});
    }
    const NodeId id = stack_.back();
    stack_.pop_back();
    return id;
  }

  std::vector<NodeId> pop_to_mark() {
    if (marks_.empty()) {
      damaged("a mark is missing");
      return {};
    }
    const auto begin = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    std::vector<NodeId> items(begin, stack_.end());
    stack_.erase(begin, stack_.end());
    marks_.pop_back();
    return items;
  }

  std::vector<NodeId> pop_some(std::size_t count) {
    std::vector<NodeId> items(count);
    for (std::size_t i = count; i-- > 0;) items[i] = pop();
    return items;
  }

  /// The object on top, which must be of that kind; another one stands in when it is not.
  Node& top(Kind kind) {
    if (available() == 0 || out_.nodes[stack_.back()].kind != kind) {
      damaged("an object of another kind was expected");
      stack_.push_back(make({.kind = kind, .text = {}, .items = {}}));
    }
    return out_.nodes[stack_.back()];
  }

  void remember(std::uint64_t key) {
    if (available() == 0) return damaged("there is nothing to remember");
    memo_[key] = stack_.back();
    if (memo_.size() > kMostNodes) too_many();
  }

  void recall(std::uint64_t key) {
    const auto found = memo_.find(key);
    if (found == memo_.end()) return damaged("it refers to what is not there");
    push(found->second);
  }

  void push_long(std::size_t count) {
    const std::string bytes = text(count);
    if (count > sizeof(std::int64_t))
      return push({.kind = Kind::kLong, .text = bytes, .items = {}});
    std::uint64_t value = 0;
    for (std::size_t i = bytes.size(); i-- > 0;)
      value = (value << 8U) | static_cast<unsigned char>(bytes[i]);
    const bool negative = !bytes.empty() && (static_cast<unsigned char>(bytes.back()) & 0x80U) != 0;
    if (negative && count < sizeof(std::int64_t)) value |= ~std::uint64_t{0} << (8 * count);
    push({.kind = Kind::kInteger,
          .integer = std::bit_cast<std::int64_t>(value),
          .text = {},
          .items = {}});
  }

  void push_name(const std::string& module, const std::string& name) {
    std::string full = module;
    full += ' ';
    full += name;
    if (std::ranges::find(kNames, full) != kNames.end())
      return push({.kind = Kind::kName, .text = std::move(full), .items = {}});
    std::erase_if(full, [](char c) { return static_cast<unsigned char>(c) - 0x20U > 0x5eU; });
    unsupported(
        "the pickle wants " + full.substr(0, 100) +
        ", which is not needed for weights and is never executed (if this is a whole model, "
        "save its state_dict())");
  }

  void push_stack_global() {
    const NodeId name = pop();
    const NodeId module = pop();
    if (out_[name].kind != Kind::kText || out_[module].kind != Kind::kText)
      return damaged("a name is no text");
    if (out_[name].text.size() + out_[module].text.size() > 256)
      return unsupported("the pickle wants something with a very long name");
    push_name(std::string(out_[module].text), std::string(out_[name].text));
  }

  void append_pairs(const std::vector<NodeId>& pairs) {
    if (pairs.size() % 2 != 0) return damaged("a key has no value");
    Node& dict = top(Kind::kDict);
    dict.items.insert(dict.items.end(), pairs.begin(), pairs.end());
  }

  void append_items(const std::vector<NodeId>& items) {
    Node& list = top(Kind::kList);
    list.items.insert(list.items.end(), items.begin(), items.end());
  }

  void push_storage() {
    const NodeId id = pop();
    const Node& tuple = out_[id];
    const bool named = tuple.kind == Kind::kTuple && tuple.items.size() >= 5 &&
                       out_[tuple.items[0]].text == "storage";
    if (!named) return damaged("a persistent id is no storage");
    push({.kind = Kind::kStorage,
          .text = {},
          .items = {tuple.items.begin() + 1, tuple.items.end()}});
  }

  /// The only calls that exist, each replaced by what it stands for.
  void reduce() {
    const NodeId arguments = pop();
    const NodeId callee = pop();
    if (out_[callee].kind != Kind::kName || out_[arguments].kind != Kind::kTuple)
      return damaged("a call without a name or arguments");
    const std::string_view name = out_[callee].text;
    const std::vector<NodeId>& all = out_[arguments].items;
    const std::vector<NodeId> given(all.begin(),
                                    all.begin() + std::min<std::ptrdiff_t>(4, std::ssize(all)));
    if (name == "collections OrderedDict") return push_ordered_dict(given);
    if (name == "torch._utils _rebuild_tensor_v2") return push_tensor(given);
    if (name == "torch._utils _rebuild_parameter") {
      if (given.empty() || out_[given[0]].kind != Kind::kTensor)
        return damaged("a parameter without a tensor");
      return push(given[0]);
    }
    unsupported("the pickle calls a storage type");
  }

  /// OrderedDict() or, from Python 2, OrderedDict([[key, value], …]).
  void push_ordered_dict(const std::vector<NodeId>& given) {
    Node dict{.kind = Kind::kDict, .text = {}, .items = {}};
    if (given.size() > 1) return damaged("a dictionary of several lists");
    if (given.size() == 1) {
      if (out_[given[0]].items.size() > bytes_.size() - held_ / 4)
        return damaged("a dictionary is too large");
      for (const NodeId pair : out_[given[0]].items) {
        if (out_[pair].items.size() != 2) return damaged("a dictionary's entry is no pair");
        dict.items.insert(dict.items.end(), out_[pair].items.begin(), out_[pair].items.end());
      }
    }
    push(std::move(dict));
  }

  void push_tensor(const std::vector<NodeId>& given) {
    const bool sound = given.size() >= 4 && out_[given[0]].kind == Kind::kStorage &&
                       out_[given[1]].kind == Kind::kInteger &&
                       out_[given[2]].kind == Kind::kTuple && out_[given[3]].kind == Kind::kTuple;
    if (!sound) return damaged("a tensor without storage, offset, size or stride");
    push({.kind = Kind::kTensor, .text = {}, .items = {given.begin(), given.begin() + 4}});
  }

  /// Only an OrderedDict has state here (its _metadata), and nobody needs that.
  void build() {
    pop();
    top(Kind::kDict);
  }

  void stop() {
    out_.root = pop();
    out_.size = at_;
    stopped_ = true;
  }

  void step() {
    const auto opcode = static_cast<std::uint8_t>(little_endian(1));
    if (problem_ || step_value(opcode) || step_memo(opcode)) return;
    step_structure(opcode);
  }

  /// Opcodes that push something by itself.
  bool step_value(std::uint8_t opcode) {
    switch (opcode) {
      case kNoneOp:
        return push(Node{.text = {}, .items = {}}), true;
      case kNewTrue:
      case kNewFalse:
        return push({.kind = Kind::kBoolean,
                     .integer = opcode == kNewTrue,
                     .text = {},
                     .items = {}}),
               true;
      case kBinInt:
        return push({.kind = Kind::kInteger,
                     .integer = static_cast<std::int32_t>(little_endian(4)),
                     .text = {},
                     .items = {}}),
               true;
      case kBinInt1:
      case kBinInt2:
        return push(
                   {.kind = Kind::kInteger,
                    .integer = static_cast<std::int64_t>(little_endian(opcode == kBinInt1 ? 1 : 2)),
                    .text = {},
                    .items = {}}),
               true;
      case kLong1:
        return push_long(little_endian(1)), true;
      case kBinFloat:
        return push({.kind = Kind::kReal,
                     .real = std::bit_cast<double>(__builtin_bswap64(little_endian(8))),
                     .text = {},
                     .items = {}}),
               true;
      case kBinUnicode:
        return push({.kind = Kind::kText, .text = text(little_endian(4)), .items = {}}), true;
      case kShortBinUnicode:
      case kShortBinString:
        return push({.kind = Kind::kText, .text = text(little_endian(1)), .items = {}}), true;
      case kEmptyTuple:
        return push({.kind = Kind::kTuple, .text = {}, .items = {}}), true;
      case kEmptyList:
        return push({.kind = Kind::kList, .text = {}, .items = {}}), true;
      case kEmptyDict:
        return push({.kind = Kind::kDict, .text = {}, .items = {}}), true;
      default:
        return false;
    }
  }

  /// Opcodes that remember and recall.
  bool step_memo(std::uint8_t opcode) {
    switch (opcode) {
      case kBinPut:
        return remember(little_endian(1)), true;
      case kLongBinPut:
        return remember(little_endian(4)), true;
      case kMemoize:
        return remember(memo_.size()), true;
      case kBinGet:
        return recall(little_endian(1)), true;
      case kLongBinGet:
        return recall(little_endian(4)), true;
      default:
        return false;
    }
  }

  /// Opcodes that work on what is there.
  void step_structure(std::uint8_t opcode) {
    switch (opcode) {
      case kProto:
        take(1);
        return;
      case kFrame:
        take(8);
        return;
      case kMark:
        marks_.push_back(stack_.size());
        if (marks_.size() > kMostNodes) too_many();
        return;
      case kTupleOp:
        return push({.kind = Kind::kTuple, .text = {}, .items = pop_to_mark()});
      case kTuple1:
      case kTuple2:
      case kTuple3:
        return push({.kind = Kind::kTuple, .text = {}, .items = pop_some(1U + opcode - kTuple1)});
      case kSetItem:
        return append_pairs(pop_some(2));
      case kSetItems:
        return append_pairs(pop_to_mark());
      case kAppend:
        return append_items(pop_some(1));
      case kAppends:
        return append_items(pop_to_mark());
      case kGlobal: {
        const std::string module = line();
        return push_name(module, line());
      }
      case kStackGlobal:
        return push_stack_global();
      case kBinPersId:
        return push_storage();
      case kReduce:
        return reduce();
      case kBuild:
        return build();
      case kStop:
        return stop();
      default:
        unsupported("the pickle uses opcode " + std::to_string(opcode) +
                    ", which weights do not need");
    }
  }

  std::span<const std::byte> bytes_;
  std::size_t at_ = 0;
  Pickle out_;
  std::vector<NodeId> stack_;
  std::vector<std::size_t> marks_;
  std::unordered_map<std::uint64_t, NodeId> memo_;
  std::optional<Error> problem_;
  std::size_t held_ = 0;
  bool stopped_ = false;
};

}  // namespace

Result<Pickle> read_pickle(std::span<const std::byte> bytes) { return Reader(bytes).run(); }

}  // namespace visavis::modelkit
