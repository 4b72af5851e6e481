#include "state_dict.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <string>
#include <visavis/core/file.hpp>

#include "pickle.hpp"

namespace visavis::modelkit {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::byte> sample(const std::string& name) {
  auto bytes = read_file(
      std::string(VISAVIS_SOURCE_DIR) + "/libs/modelkit/import/tests/data/" + name, 1U << 20U);
  EXPECT_TRUE(bytes) << name;
  return bytes ? *std::move(bytes) : std::vector<std::byte>();
}

/// Files of torch.save 2.2.2, numpy.savez 1.26 and safetensors 0.8; tests/data/make_samples.py
/// tells what is in them.
class RealFile : public testing::TestWithParam<const char*> {};

TEST_P(RealFile, HoldsTheWeights) {
  const std::vector<std::byte> bytes = sample(GetParam());
  const Result<StateDict> dict = StateDict::read(bytes);
  ASSERT_TRUE(dict) << dict.error().message;
  const bool numpy = dict->format() == "NumPy arrays";  // which has no bfloat16
  EXPECT_EQ(dict->weights().size(), numpy ? 8U : 9U);
  const auto floats = [&](const char* name, std::vector<std::int64_t> shape) {
    const auto values = dict->floats(name, shape);
    EXPECT_TRUE(values) << (values ? "" : values.error().message);
    return values ? *values : std::vector<float>();
  };
  EXPECT_THAT(floats("plain", {2, 3}), ElementsAre(0, .25F, .5F, .75F, 1, 1.25F));
  EXPECT_THAT(floats("transposed", {3, 2}), ElementsAre(0, .75F, .25F, 1, .5F, 1.25F));
  EXPECT_THAT(floats("tail", {3}), ElementsAre(5, 6, 7));
  EXPECT_THAT(floats("scalar", {}), ElementsAre(7));
  EXPECT_THAT(floats("half", {5}),
              ElementsAre(1.5F, -2, 65504, 0x1p-24F, std::numeric_limits<float>::infinity()));
  if (!numpy) {
    EXPECT_THAT(floats("bfloat", {2}), ElementsAre(1.5F, -3));
  }
  EXPECT_THAT(floats("double", {1}), ElementsAre(.1F));
  EXPECT_THAT(floats("bytes", {2}), ElementsAre(0, 255));
  EXPECT_THAT(floats("parameter", {1}), ElementsAre(3));
  EXPECT_EQ(dict->floats("plain", std::vector<std::int64_t>{3, 2}).error().message,
            "plain has shape [2, 3], not [3, 2]");
  EXPECT_EQ(dict->floats("none", {}).error().code, ErrorCode::kNotFound);
}

// Every way of cutting a file short is an error and nothing worse.
TEST_P(RealFile, IsRefusedWhenCut) {
  const std::vector<std::byte> bytes = sample(GetParam());
  const bool legacy = std::string(GetParam()) == "legacy.pt";
  for (std::size_t size = 0; size < bytes.size(); size += legacy ? 1 : 7) {
    const std::vector<std::byte> part(bytes.begin(),
                                      bytes.begin() + static_cast<std::ptrdiff_t>(size));
    const Result<StateDict> dict = StateDict::read(part);
    if (legacy) {
      EXPECT_FALSE(dict) << size;
    }
  }
}

// One wrong byte anywhere: refused or read, but never beyond the file (the sanitizers watch).
TEST_P(RealFile, SurvivesEveryWrongByte) {
  const std::vector<std::byte> bytes = sample(GetParam());
  int refused = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::vector<std::byte> wrong = bytes;
    wrong[i] ^= std::byte{0x81};
    const Result<StateDict> dict = StateDict::read(wrong);
    refused += dict ? 0 : 1;
    if (!dict) continue;
    for (const auto& [name, weight] : dict->weights()) (void)dict->floats(name, weight.shape);
  }
  EXPECT_GT(refused, 0);
}

INSTANTIATE_TEST_SUITE_P(Layouts, RealFile,
                         testing::Values("zip.pt", "legacy.pt", "checkpoint.pt", "arrays.npz",
                                         "arrays-compressed.npz", "other.pt",
                                         "weights.safetensors"),
                         [](const auto& param) {
                           std::string name = std::filesystem::path(param.param).stem().string();
                           std::erase(name, '-');
                           return name;
                         });

TEST(StateDict, ReadsOneArray) {
  const std::vector<std::byte> bytes = sample("columns.npy");
  const Result<StateDict> dict = StateDict::read(bytes);
  ASSERT_TRUE(dict) << dict.error().message;
  EXPECT_THAT(*dict->floats("array", std::vector<std::int64_t>{2, 3}),
              ElementsAre(0, .25F, .5F, .75F, 1, 1.25F));
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(StateDict::read(std::span(bytes).first(size))) << size;
}

TEST(StateDict, RefusesArraysOfOtherThings) {
  for (const char* name : {"objects.npz", "big-endian.npz"}) {
    const Result<StateDict> dict = StateDict::read(sample(name));
    ASSERT_FALSE(dict);
    EXPECT_EQ(dict.error().code, ErrorCode::kUnsupported);
    EXPECT_EQ(dict.error().message, "the NumPy array holds no little-endian numbers");
  }
}

/// An array with that header and no elements.
ErrorCode refusal_of(const std::string& header) {
  std::string text = "\x93NUMPY\x01";
  text += '\0';
  text += static_cast<char>(header.size());
  text += '\0';
  text += header;
  const Result<StateDict> dict = StateDict::read(std::as_bytes(std::span(text)));
  return dict ? ErrorCode::kInternal : dict.error().code;
}

// numpy/lib/format.py: readers must not depend on the order of the keys.
TEST(StateDict, RefusesHeadersThatLie) {
  EXPECT_EQ(refusal_of("{'shape': (0, 4), 'fortran_order': True, 'descr': '<f4'}"),
            ErrorCode::kInternal);
  for (const char* header :
       {"", "{", "{}", "{'descr': '<f4', 'fortran_order': False}",
        "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (0,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 0), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 2147483647, 2147483647), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999,), }",
        "{'descr': '<f4', 'fortran_order': maybe, 'shape': (0,), }", "{'descr': '<f4",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0)}"})
    EXPECT_EQ(refusal_of(header), ErrorCode::kDecodeFailed) << header;
}

/// What is said of a safetensors file with that header and those numbers.
std::string said_of(const std::string& header, std::size_t numbers = 2) {
  std::string text;
  for (std::size_t i = 0; i < 8; ++i) text += static_cast<char>(header.size() >> (8 * i));
  text += header + std::string(4 * numbers, '\0');
  const Result<StateDict> dict = StateDict::read(std::as_bytes(std::span(text)));
  return dict ? "fine" : dict.error().message;
}

// safetensors' README.md: tensors lie one behind the other, without holes; no name is there twice.
TEST(StateDict, RefusesSafetensorsThatLie) {
  EXPECT_EQ(said_of(R"({"x":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}})"), "fine");
  EXPECT_EQ(said_of(R"({"__metadata__":{"a":"b"}})", 0), "fine");
  EXPECT_EQ(said_of(R"({"x":{"dtype":"F32","shape":[0,9],"data_offsets":[0,0]}})", 0), "fine");
  for (const char* header :
       {R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]})", R"({"x":1})", R"({"x":{}})",
        R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[0,9]}})",
        R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})",
        R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[0]}})",
        R"({"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
        R"({"x":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
        R"({"x":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})",
        R"({"x":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}})",
        R"({"x":{"dtype":"F32","shape":[[2]],"data_offsets":[0,8]}})",
        R"({"x":{"dtype":"F32","shape":[2147483647,2147483647,4],"data_offsets":[0,8]}})",
        R"({"x":{"dtype":"F32","shape":[18446744073709551615],"data_offsets":[0,8]}})",
        R"({"x":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,2],"data_offsets":[0,8]}})",
        R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
        R"("y":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
        R"({"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
        R"("x":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})"})
    EXPECT_THAT(said_of(header), HasSubstr("the safetensors file is damaged")) << header;
  EXPECT_THAT(said_of(R"({"x":{"dtype":"F8_E4M3","shape":[8],"data_offsets":[0,8]}})"),
              HasSubstr("of type F8_E4M3"));
  // As deep as a header may be long.
  const std::string deep(std::size_t{1} << 20U, '[');
  EXPECT_THAT(said_of("{\"x\":" + deep), HasSubstr("no JSON object"));
}

TEST(StateDict, NamesTheKeysOfACheckpoint) {
  const Result<StateDict> dict = StateDict::read(sample("two.pt"));
  ASSERT_FALSE(dict);
  EXPECT_EQ(dict.error().code, ErrorCode::kUnsupported);
  EXPECT_THAT(dict.error().message, HasSubstr("several of its entries"));
  EXPECT_THAT(dict.error().message, HasSubstr("epoch, student, teacher"));
}

TEST(StateDict, ExecutesNothing) {
  for (const char* name : {"attack.pt", "attack-legacy.pt"}) {
    const std::vector<std::byte> bytes = sample(name);
    const Result<StateDict> dict = StateDict::read(bytes);
    ASSERT_FALSE(dict);
    EXPECT_EQ(dict.error().code, ErrorCode::kUnsupported);
    EXPECT_EQ(dict.error().message,
              "the pickle wants posix system, which is not needed for weights and is never "
              "executed (if this is a whole model, save its state_dict())");
  }
  EXPECT_FALSE(std::filesystem::exists("visavis-was-executed"));
}

TEST(StateDict, RefusesOtherObjects) {
  const std::vector<std::byte> bytes = sample("list.pt");
  EXPECT_EQ(StateDict::read(bytes).error().code, ErrorCode::kUnsupported);
  EXPECT_THAT(StateDict::read(sample("whole.pt")).error().message,
              HasSubstr("wants torch.nn.modules.linear Linear"));
  EXPECT_THAT(StateDict::read(sample("script.pt")).error().message, HasSubstr("is TorchScript"));
  EXPECT_EQ(StateDict::read({}).error().code, ErrorCode::kDecodeFailed);
  const std::string text = "PK\x03\x04 but no zip archive follows";
  EXPECT_FALSE(StateDict::read(std::as_bytes(std::span(text))));
}

Result<Pickle> pickle(std::string_view text) { return read_pickle(std::as_bytes(std::span(text))); }

// Pickles written by hand, opcode by opcode (pickletools has the table).
TEST(Pickle, ReadsValues) {
  const auto root = [](std::string_view text) {
    const Result<Pickle> p = pickle(text);
    EXPECT_TRUE(p) << (p ? "" : p.error().message);
    return p ? (*p)[p->root] : Node{.text = {}, .items = {}};
  };
  EXPECT_EQ(root({"K\x07.", 3}).integer, 7);
  EXPECT_EQ(root({"J\xfe\xff\xff\xff.", 6}).integer, -2);
  EXPECT_EQ(root({"\x8a\x01\xff.", 4}).integer, -1);
  EXPECT_EQ(root({"\x8a\x00.", 3}).integer, 0);
  EXPECT_EQ(root({"G\x3f\xf8\0\0\0\0\0\0.", 10}).real, 1.5);
  EXPECT_EQ(root({"X\x02\0\0\0hi.", 8}).text, "hi");
  EXPECT_EQ(root("(K\x01K\x02t.").items.size(), 2U);
}

TEST(Pickle, RefusesWhatIsDamaged) {
  for (const std::string_view text :
       {std::string_view(""), std::string_view("."), std::string_view("K"), std::string_view("t."),
        std::string_view("h\x05."), std::string_view("a."), std::string_view("]K\x01s."),
        std::string_view("cposix\n"), std::string_view("R."), std::string_view("Q."),
        std::string_view("X\xff\xff\xff\xff.")}) {
    const Result<Pickle> p = pickle(text);
    ASSERT_FALSE(p) << text;
    EXPECT_EQ(p.error().code, ErrorCode::kDecodeFailed) << text;
  }
  EXPECT_EQ(pickle("I01\n.").error().code, ErrorCode::kUnsupported);
}

// A list recalled again and again would otherwise grow with the square of the file.
TEST(Pickle, HoldsNoMoreThanItsSize) {
  std::string text = "](";
  for (int i = 0; i < 1000; ++i) text += "K\x01K\x02\x86";
  text += "eq";
  text += '\0';
  for (int i = 0; i < 1000; ++i) {
    text += "ccollections\nOrderedDict\nh";
    text += '\0';
    text += "\x85R";
  }
  EXPECT_EQ(pickle(text + ".").error().code, ErrorCode::kDecodeFailed);
}

// An object takes many times the byte that None, a mark or a memo is written in.
TEST(Pickle, BoundsHowManyObjectsThereAre) {
  constexpr std::size_t kCount = 1'100'000;
  for (const char opcode : {'N', '(', '\x94'}) {
    const Result<Pickle> p = pickle("N" + std::string(kCount, opcode) + ".");
    ASSERT_FALSE(p);
    EXPECT_EQ(p.error().code, ErrorCode::kResourceExhausted);
    EXPECT_EQ(p.error().message, "the pickle has too many objects");
  }
  EXPECT_TRUE(pickle(std::string(kCount / 2, 'N') + "."));
}

}  // namespace
}  // namespace visavis::modelkit
