/// One suite for all engines: what each computes is compared with the reference engine.

#include <gtest/gtest.h>
#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): mkdtemp is POSIX

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>
#include <visavis/core/file.hpp>
#include <visavis/core/result.hpp>
#include <visavis/runtime/engine.hpp>

#include "conformance/agreement.hpp"
#include "conformance/cases.hpp"
#include "conformance/wrong_engines.hpp"

namespace visavis::runtime::conformance {
namespace {

Result<std::vector<Tensor>> answer(const Engine& engine, const Case& asked,
                                   Precision precision = Precision::kF32) {
  VISAVIS_TRY(model,
              engine.load(asked.onnx, {.precision = precision, .cache_dir = {}, .extra = {}}));
  VISAVIS_TRY(session, model->session());
  return session->run(views_of(asked.inputs));
}

/// @return what is wrong with the engine's answer; empty if it agrees with the reference's.
std::string judge(const Engine& engine, const Case& asked, const std::vector<Tensor>& expected,
                  Precision precision, Tolerance tolerance) {
  const Result<std::vector<Tensor>> actual = answer(engine, asked, precision);
  if (!actual && asked.may_be_refused && actual.error().code == ErrorCode::kUnsupported) return "";
  if (!actual) return actual.error().message;
  return disagreement(expected, *actual, tolerance);
}

/// Runs every case that the reference engine can run.
/// @return one sentence per case in which `engine` disagrees.
std::vector<std::string> disagreements(const Engine& engine, std::span<const Case> cases,
                                       Precision precision = Precision::kF32,
                                       Tolerance tolerance = kSameF32) {
  std::vector<std::string> found;
  const Result<const Engine*> reference = find_engine("reference");
  if (!reference) return {reference.error().message};
  for (const Case& asked : cases) {
    const Result<std::vector<Tensor>> expected = answer(**reference, asked);
    const std::string what = expected ? judge(engine, asked, *expected, precision,
                                              asked.in_steps ? kSameInt8 : tolerance)
                                      : expected.error().message;
    if (!what.empty()) found.push_back(asked.name + ": " + what);
  }
  return found;
}

std::string lines(const std::vector<std::string>& sentences) {
  std::string text;
  for (const std::string& sentence : sentences) text += "\n  " + sentence;
  return text;
}

std::vector<std::string> engine_names() {
  std::vector<std::string> names;
  for (const EngineEntry& entry : engines()) names.emplace_back(entry.name);
  return names;
}

class Conformance : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    Result<const Engine*> engine = find_engine(GetParam());
    if (!engine) GTEST_SKIP() << engine.error().message;
    engine_ = *engine;
  }

  /// True, and the test is skipped, where a build was made without the oracle.
  static bool no_reference() {
    const Result<const Engine*> reference = find_engine("reference");
    if (reference) return false;
    [&] { GTEST_SKIP() << reference.error().message; }();
    return true;
  }

  [[nodiscard]] std::shared_ptr<const Model> load(const Case& asked,
                                                  const LoadOptions& options = {}) const {
    Result<std::shared_ptr<const Model>> model = engine_->load(asked.onnx, options);
    EXPECT_TRUE(model) << model.error().message;
    return model ? *model : nullptr;
  }

  const Engine* engine_ = nullptr;
};

INSTANTIATE_TEST_SUITE_P(Engines, Conformance, ::testing::ValuesIn(engine_names()),
                         [](const auto& chosen) { return chosen.param; });

TEST_P(Conformance, OperatorsAgreeWithTheReference) {
  if (no_reference()) return;
  const std::vector<std::string> found = disagreements(*engine_, operator_cases());
  EXPECT_TRUE(found.empty()) << lines(found);
}

TEST_P(Conformance, ModelsAgreeWithTheReference) {
  if (no_reference()) return;
  if (GetParam() == "reference") GTEST_SKIP() << "it is the reference";
  const std::vector<Case> cases = model_cases();
  if (cases.empty()) GTEST_SKIP() << "the model store is empty; visavis models fetch fills it";
  const std::vector<std::string> found = disagreements(*engine_, cases);
  EXPECT_TRUE(found.empty()) << lines(found);
}

TEST_P(Conformance, ModelsAgreeInOtherPrecisionsWithinTheirTolerance) {
  if (no_reference()) return;
  const std::vector<Case> cases = model_cases();
  if (cases.empty()) GTEST_SKIP() << "the model store is empty; visavis models fetch fills it";
  int checked = 0;
  for (const auto& [precision, tolerance] :
       {std::pair(Precision::kBf16, kSameBf16), std::pair(Precision::kF16, kSameF16)}) {
    const Result<std::vector<Tensor>> able = answer(*engine_, small_network(1), precision);
    if (!able && able.error().code == ErrorCode::kUnsupported) continue;
    const std::vector<std::string> found = disagreements(*engine_, cases, precision, tolerance);
    EXPECT_TRUE(found.empty()) << to_string(precision) << lines(found);
    ++checked;
  }
  if (checked == 0) GTEST_SKIP() << GetParam() << " computes in f32 only on this CPU";
}

TEST_P(Conformance, TheForcedEngineIsTheOneThatRuns) {
  const std::shared_ptr<const Model> model = load(small_network(1));
  ASSERT_NE(model, nullptr);
  EXPECT_EQ(engine_->name(), GetParam());
  EXPECT_EQ(model->engine_name(), GetParam());
  EXPECT_EQ(model->precision(), Precision::kF32);
}

TEST_P(Conformance, EveryBatchGivesTheSameRows) {
  const std::shared_ptr<const Model> model = load(small_network(1));
  ASSERT_NE(model, nullptr);
  EXPECT_EQ(model->inputs()[0].shape, (std::vector<std::int64_t>{-1, 3, 12, 12}));
  const auto session = model->session();
  ASSERT_TRUE(session);
  const Case three = small_network(3);
  const auto together = (*session)->run(views_of(three.inputs));
  ASSERT_TRUE(together) << together.error().message;
  ASSERT_EQ((*together)[0].shape, (std::vector<std::int64_t>{3, 16}));
  const std::vector<std::int64_t> one{1, 3, 12, 12};
  const std::span<const float> all = three.inputs[0].floats();
  for (std::size_t row = 0; row < 3; ++row) {
    const TensorView view = view_of(all.subspan(row * all.size() / 3, all.size() / 3), one);
    const auto alone = (*session)->run({&view, 1});
    ASSERT_TRUE(alone) << alone.error().message;
    const Distance apart =
        distance((*alone)[0].floats(), (*together)[0].floats().subspan(row * 16, 16));
    EXPECT_LE(apart.max_abs, 1e-5) << "row " << row;
  }
}

TEST_P(Conformance, SessionsRunAtTheSameTime) {
  constexpr int kThreads = 4;
  const Case asked = small_network(2);
  const std::shared_ptr<const Model> model =
      load(asked, {.threads = 1, .streams = 2, .cache_dir = {}, .extra = {}});
  ASSERT_NE(model, nullptr);
  const Result<std::vector<Tensor>> expected = answer(*engine_, asked);
  ASSERT_TRUE(expected);
  std::vector<std::string> found(kThreads);
  std::vector<std::thread> threads;
  for (std::string& what : found) {
    threads.emplace_back([&] {
      const auto session = model->session();
      if (!session) {
        what = session.error().message;
        return;
      }
      for (int i = 0; i < 25 && what.empty(); ++i) {
        const auto actual = (*session)->run(views_of(asked.inputs));
        what = actual ? disagreement(*expected, *actual, kSameF32) : actual.error().message;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::string& what : found) EXPECT_EQ(what, "");
}

TEST_P(Conformance, RefusesInputsThatDoNotFit) {
  const Case asked = small_network(1);
  const std::shared_ptr<const Model> model = load(asked);
  ASSERT_NE(model, nullptr);
  const auto session = model->session();
  ASSERT_TRUE(session);
  const std::span<const std::byte> bytes = asked.inputs[0].bytes;
  const std::vector<std::int64_t> right{1, 3, 12, 12};
  const auto refused = [&](const std::vector<std::int64_t>& shape, std::span<const std::byte> data,
                           ElementType type) {
    const TensorView view{.type = type, .shape = shape, .bytes = data};
    const auto result = (*session)->run({&view, 1});
    return !result && result.error().code == ErrorCode::kInvalidArgument;
  };
  EXPECT_TRUE(refused({1, 3, 12, 13}, bytes, ElementType::kFloat32));
  EXPECT_TRUE(refused({1, 3, 144}, bytes, ElementType::kFloat32));
  EXPECT_TRUE(refused({1, 1, 12, 36}, bytes, ElementType::kFloat32));
  EXPECT_TRUE(refused({0, 3, 12, 12}, {}, ElementType::kFloat32));
  EXPECT_TRUE(refused({-1, 3, 12, 12}, bytes, ElementType::kFloat32));
  EXPECT_TRUE(refused({2, 3, 12, 12}, bytes, ElementType::kFloat32)) << "too few bytes";
  EXPECT_TRUE(refused(right, bytes.first(bytes.size() - 4), ElementType::kFloat32));
  EXPECT_TRUE(refused(right, bytes, ElementType::kInt8));
  EXPECT_FALSE((*session)->run({})) << "no input at all";
  const auto after = (*session)->run(views_of(asked.inputs));
  EXPECT_TRUE(after) << "a refusal leaves the session usable";
}

TEST_P(Conformance, RefusesBytesThatAreNoModel) {
  const std::vector<std::byte> whole = small_network(1).onnx;
  const auto refused = [&](std::span<const std::byte> bytes) {
    const auto model = engine_->load(bytes, {});
    if (model) return std::string("accepted");
    if (model.error().message.find('\n') != std::string::npos) return std::string("two lines");
    return std::string(to_string(model.error().code));
  };
  const std::string text = "This is a letter, not a network.";
  EXPECT_EQ(refused({}), "decode_failed");
  EXPECT_EQ(refused(std::as_bytes(std::span(text))), "decode_failed");
  EXPECT_EQ(refused(std::vector<std::byte>(4096)), "decode_failed");
  const std::string other_format =
      R"(<?xml version="1.0"?><net name="m" version="11"><layers></layers><edges></edges></net>)";
  EXPECT_EQ(refused(std::as_bytes(std::span(other_format))), "decode_failed");
  for (const std::size_t size : {whole.size() / 4, whole.size() / 2, whole.size() - 1})
    EXPECT_EQ(refused(std::span(whole).first(size)), "decode_failed") << "cut after " << size;
}

/// A field of a protobuf message: number, wire type 2, length, content.
/// @pre content.size() < 128
std::string field(int number, std::string_view content) {
  std::string bytes;
  bytes += static_cast<char>(number << 3 | 2);
  bytes += static_cast<char>(content.size());
  return bytes.append(content);
}

TEST_P(Conformance, RefusesWeightsInOtherFiles) {
  // Protobuf merges what is appended: ModelProto.graph (7) gains an initializer (5), a TensorProto
  // with dims (1) {1}, data_type (2) 1, external_data (13) {"location": "/etc/passwd"}, name (8)
  // and data_location (14) 1.
  const std::string entry = field(1, "location") + field(2, "/etc/passwd");
  const std::string tensor =
      std::string("\x08\x01\x10\x01") + field(13, entry) + field(8, "elsewhere") + "\x70\x01";
  const std::string addition = field(7, field(5, tensor));
  std::vector<std::byte> bytes = small_network(1).onnx;
  std::ranges::copy(std::as_bytes(std::span(addition)), std::back_inserter(bytes));
  const auto model = engine_->load(bytes, {});
  ASSERT_FALSE(model);
  EXPECT_EQ(model.error().code, ErrorCode::kDecodeFailed);
}

TEST_P(Conformance, ADamagedCacheChangesNoAnswer) {
  std::string folder = (std::filesystem::temp_directory_path() / "visavis-engine-XXXXXX").string();
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  const Case asked = small_network(2);
  const Result<std::vector<Tensor>> expected = answer(*engine_, asked);
  ASSERT_TRUE(expected) << expected.error().message;
  const auto cached = [&] {
    const auto model = load(asked, {.cache_dir = folder, .extra = {}});
    const auto session = model->session();
    const auto actual = (*session)->run(views_of(asked.inputs));
    return actual ? disagreement(*expected, *actual, kSameF32) : actual.error().message;
  };
  EXPECT_EQ(cached(), "") << "compiled";
  EXPECT_EQ(cached(), "") << "from the cache";
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  for (const std::filesystem::path& file : files) {
    const auto whole = read_file(file, 1U << 30U);
    ASSERT_TRUE(whole);
    std::vector<std::byte> damaged = *whole;
    for (std::size_t i = damaged.size() / 2; i < damaged.size(); ++i) damaged[i] ^= std::byte{0x55};
    ASSERT_TRUE(write_file(file, damaged));
    EXPECT_EQ(cached(), "") << "damaged";
    const auto healed = read_file(file, 1U << 30U);
    ASSERT_TRUE(healed);
    EXPECT_NE(*healed, damaged) << "a damaged file is replaced";
    ASSERT_TRUE(write_file(file, std::span(*whole).first(whole->size() / 2)));
    EXPECT_EQ(cached(), "") << "truncated";
  }
  std::filesystem::remove_all(folder);
}

TEST_P(Conformance, LeavesTheCallersArithmeticAlone) {
  const Case asked = small_network(1);
  const std::shared_ptr<const Model> model = load(asked);
  ASSERT_NE(model, nullptr);
  const auto session = model->session();
  ASSERT_TRUE(session);
  ASSERT_TRUE((*session)->run(views_of(asked.inputs)));
  const volatile float subnormal = 1e-40F;
  const volatile float same = subnormal * 1.F;
  EXPECT_GT(same, 0.F) << "this thread reads subnormal numbers as zero now";
}

TEST_P(Conformance, RefusesOptionsThatItDoesNotKnow) {
  const Case asked = small_network(1);
  const auto code = [&](const LoadOptions& options) {
    const auto model = engine_->load(asked.onnx, options);
    return model ? std::string("accepted") : std::string(to_string(model.error().code));
  };
  EXPECT_EQ(code({.threads = 0, .cache_dir = {}, .extra = {}}), "invalid_argument");
  EXPECT_EQ(code({.streams = -1, .cache_dir = {}, .extra = {}}), "invalid_argument");
  EXPECT_EQ(code({.cache_dir = {}, .extra = {{"no_such_option", "1"}}}), "unsupported");
  EXPECT_EQ(code({.precision = Precision::kInt8, .cache_dir = {}, .extra = {}}), "unsupported")
      << "the network is not quantised";
}

TEST_P(Conformance, AWrongEngineFailsTheSuite) {
  if (no_reference()) return;
  const std::vector<Case> cases{small_network(1)};
  EXPECT_EQ(disagreements(*engine_, cases), std::vector<std::string>{});
  EXPECT_EQ(disagreements(*make_channel_swapper(*engine_), cases).size(), 1U);
  EXPECT_EQ(disagreements(*make_pad_shifter(*engine_), cases).size(), 1U);
}

TEST_P(Conformance, AWrongEngineFailsOnEveryModel) {
  std::vector<Case> cases = model_cases();
  if (cases.empty()) GTEST_SKIP() << "the model store is empty; visavis models fetch fills it";
  std::erase_if(cases, [](const Case& asked) { return !asked.name.ends_with("noise"); });
  const std::unique_ptr<Engine> swapper = make_channel_swapper(*engine_);
  const std::unique_ptr<Engine> shifter = make_pad_shifter(*engine_);
  for (const Case& asked : cases) {
    const Result<std::vector<Tensor>> right = answer(*engine_, asked);
    ASSERT_TRUE(right) << right.error().message;
    if (asked.inputs[0].shape[1] == 3) {
      EXPECT_NE(judge(*swapper, asked, *right, Precision::kF32, kSameF32), "") << asked.name;
    }
    if (has_padding(asked.onnx)) {
      EXPECT_NE(judge(*shifter, asked, *right, Precision::kF32, kSameF32), "") << asked.name;
    }
  }
}

TEST(OnnxRuntime, ChecksItsOption) {
  const Result<const Engine*> engine = find_engine("onnxruntime");
  if (!engine) GTEST_SKIP() << engine.error().message;
  const Case asked = small_network(1);
  const auto code = [&](const std::string& value) {
    const auto model =
        (*engine)->load(asked.onnx, {.cache_dir = {}, .extra = {{"spin_us", value}}});
    return model ? std::string("accepted") : std::string(to_string(model.error().code));
  };
  EXPECT_EQ(code("0"), "accepted");
  EXPECT_EQ(code("10000"), "accepted");
  for (const char* wrong : {"", "-1", "10001", "5us", " 5", "99999999999999999999"})
    EXPECT_EQ(code(wrong), "invalid_argument") << wrong;
}

TEST(Agreement, SeesADifferenceOfEachKind) {
  const std::vector<float> expected{3, 0, 4};
  EXPECT_DOUBLE_EQ(distance(expected, expected).cosine, 1);
  EXPECT_DOUBLE_EQ(distance(expected, expected).max_abs, 0);
  // By hand: 3·4 + 4·3 = 24, both of length 5; the furthest is 1, the largest expected 4.
  const std::vector<float> turned{4, 0, 3};
  EXPECT_DOUBLE_EQ(distance(expected, turned).cosine, 24. / 25);
  EXPECT_DOUBLE_EQ(distance(expected, turned).max_abs, .25);
  const std::vector<float> silent{0, 0, 0};
  EXPECT_DOUBLE_EQ(distance(expected, silent).cosine, 0);
  EXPECT_DOUBLE_EQ(distance(silent, silent).cosine, 1);
  const std::vector<float> broken{3, 0, std::numeric_limits<float>::quiet_NaN()};
  EXPECT_LT(distance(expected, broken).cosine, 0);
  EXPECT_LT(distance(broken, broken).cosine, 0) << "not-a-number is never right";
}

TEST(Agreement, ComparesTypesShapesAndNumbersOfOutputs) {
  const auto make = [](std::vector<std::int64_t> shape, std::vector<float> values) {
    const auto bytes = std::as_bytes(std::span(values));
    return Tensor{.type = ElementType::kFloat32,
                  .shape = std::move(shape),
                  .bytes = {bytes.begin(), bytes.end()}};
  };
  const std::vector<Tensor> expected{make({1, 2}, {1, 2})};
  EXPECT_EQ(disagreement(expected, expected, kSameF32), "");
  EXPECT_EQ(disagreement(expected, std::vector{make({2, 1}, {1, 2})}, kSameF32),
            "output 0 has another shape");
  EXPECT_EQ(disagreement(expected, {}, kSameF32), "another number of outputs");
  // 1.0021 is .0021 off where the largest expected number is 2: .00105 in its units.
  EXPECT_NE(disagreement(expected, std::vector{make({1, 2}, {1.0021F, 2})}, kSameF32), "");
  EXPECT_EQ(disagreement(expected, std::vector{make({1, 2}, {1.0015F, 2})}, kSameF32), "");
}

}  // namespace
}  // namespace visavis::runtime::conformance
