/// OpenVINO's files, written with OpenVINO by tests/data/make_openvino_samples.py, against its own
/// answers.

#include "openvino.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/onnx.hpp>
#include <visavis/import/import.hpp>
#include <visavis/runtime/engine.hpp>

#include "answers.hpp"

namespace visavis::modelkit {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const char* kFormat = "openvino";  ///< Also the importer.
constexpr double kTolerance = 5e-6;

std::vector<Part> net(const std::string& name) { return parts_of(kFormat, name + ".xml"); }

TEST(OpenVino, AnswersAsOpenVinoDoesOnEveryEngine) {
  const nlohmann::json all = answers(kFormat);
  ASSERT_EQ(all["cases"].size(), 6U);
  for (const runtime::EngineEntry& entry : runtime::engines()) {
    const auto engine = runtime::find_engine(entry.name);
    if (!engine) continue;
    for (const auto& each : all["cases"]) {
      const auto onnx = import_parts(kFormat, net(each["net"]));
      ASSERT_TRUE(onnx) << each["net"] << onnx.error().message;
      if (lacks_an_operator(**engine, *onnx, each)) continue;
      const auto tensors = ask(**engine, *onnx, each);
      ASSERT_TRUE(tensors) << each["net"] << entry.name << tensors.error().message;
      EXPECT_LE(distance(**engine, *onnx, each), kTolerance) << each["net"] << entry.name;
    }
  }
}

TEST(OpenVino, KeepsNamesAndFreeSizes) {
  const auto onnx = import_parts(kFormat, net("windows"));
  ASSERT_TRUE(onnx) << onnx.error().message;
  const graph::Graph graph = *graph::read_onnx(*onnx);
  ASSERT_EQ(graph.inputs.size(), 1U);
  EXPECT_EQ(graph.inputs[0].name, "picture");
  EXPECT_THAT(graph.inputs[0].shape, ElementsAre(-1, 4, -1, -1));
  const nlohmann::json expected = asked(kFormat, "windows");
  ASSERT_EQ(graph.outputs.size(), expected["outputs"].size());
  for (std::size_t i = 0; i < graph.outputs.size(); ++i)
    EXPECT_EQ(graph.outputs[i].name, expected["outputs"][i]["name"]);
  // The sum behind a convolution is its bias.
  for (const graph::Node& node : graph.nodes) EXPECT_NE(node.op, "Add") << node.name;
}

TEST(OpenVino, AnyMistakeWouldShow) {
  struct Mistake {
    const char* net;
    std::string from;
    std::string to;
  };
  const std::vector<Mistake> mistakes = {
      {"windows", "auto_pad=\"same_upper\"", "auto_pad=\"same_lower\""},
      {"windows", "exclude-pad=\"false\"", "exclude-pad=\"true\" "},
      {"arithmetic", "variance=\"true\" eps_mode=\"INSIDE_SQRT\"",
       "variance=\"true\" eps_mode=\"OUTSIDE_SQRT\""},
      {"arithmetic", "eps_mode=\"add\"", "eps_mode=\"max\""},
      {"arithmetic", "transpose_b=\"true\"", "transpose_b=\"false\" "},
      {"arithmetic", "alpha=\"1.25\"", "alpha=\"1.5\""},
      {"shapes", "pad_mode=\"edge\"", "pad_mode=\"reflect\""},
  };
  const runtime::Engine& engine = **runtime::find_engine("reference");
  for (const Mistake& mistake : mistakes) {
    const auto onnx = import_parts(kFormat, changed(net(mistake.net), 0, mistake.from, mistake.to));
    ASSERT_TRUE(onnx) << mistake.net << mistake.to << onnx.error().message;
    EXPECT_GT(distance(engine, *onnx, asked(kFormat, mistake.net)), 10 * kTolerance)
        << mistake.net << mistake.to;
  }
}

TEST(OpenVino, InspectionTellsLayers) {
  const auto found = inspect(net("halves"));
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->format, "OpenVINO IR");
  EXPECT_EQ(found->importer, "openvino");
  EXPECT_THAT(found->producer, HasSubstr("OpenVINO 2026.4.1"));
  EXPECT_EQ(found->operators.at("Convolution"), 1U);
  EXPECT_EQ(found->operators.at("GroupConvolution"), 1U);
  ASSERT_EQ(found->inputs.size(), 1U);
  EXPECT_EQ(found->inputs[0].name, "picture");
  EXPECT_EQ(found->inputs[0].type, "float32");
  EXPECT_THAT(found->inputs[0].shape, ElementsAre(-1, 3, 6, 6));
  ASSERT_EQ(found->outputs.size(), 1U);
  EXPECT_EQ(found->outputs[0].name, "rows");
}

std::string refusal(const std::vector<Part>& parts) {
  const auto onnx = import_parts(kFormat, parts);
  return onnx ? "it was read" : onnx.error().message;
}

TEST(OpenVino, NamesWhatItDoesNotKnow) {
  const std::vector<Part> odd =
      changed(changed(net("arithmetic"), 0, "type=\"Tanh\"", "type=\"Sinh\""), 0, "type=\"Log\"",
              "type=\"Erf\"");
  EXPECT_EQ(refusal(odd),
            "the OpenVINO importer does not know the operator Erf; the operator Sinh");
  EXPECT_THAT(refusal(changed(net("windows"), 0, "auto_pad=\"valid\"", "auto_pad=\"other\"")),
              HasSubstr("padding that is explicit, same_upper, same_lower or valid"));
  EXPECT_THAT(refusal(changed(net("old"), 0, "version=\"10\"", "version=\"7\"")),
              HasSubstr("in its versions 10 and 11; this is version 7"));
}

std::vector<Part> of_text(std::string_view xml, std::string_view numbers = "") {
  const auto bytes = [](std::string_view text) {
    const auto view = std::as_bytes(std::span(text));
    return std::vector<std::byte>(view.begin(), view.end());
  };
  return {{.name = "net.xml", .bytes = bytes(xml)}, {.name = "net.bin", .bytes = bytes(numbers)}};
}

TEST(OpenVino, RefusesWhatIsHostile) {
  // Names that stand for names that stand for names.
  EXPECT_THAT(
      refusal(of_text("<?xml version=\"1.0\"?><!DOCTYPE net [<!ENTITY a \"aaaaaaaa\"><!ENTITY b "
                      "\"&a;&a;&a;&a;\">]><net version=\"11\">&b;</net>")),
      HasSubstr("a document type definition"));
  std::string deep = "<net version=\"11\">";
  for (int i = 0; i < 200'000; ++i) deep += "<a>";
  EXPECT_THAT(refusal(of_text(deep)), HasSubstr("cannot be read as XML"));
  for (int i = 0; i < 200'000; ++i) deep += "</a>";
  EXPECT_THAT(refusal(of_text(deep + "</net>")), HasSubstr("it has no result"));
  EXPECT_THAT(refusal(changed(net("old"), 0, "offset=\"0\"", "offset=\"99999999999999\"")),
              HasSubstr("outside of its file of numbers"));
  EXPECT_THAT(refusal(changed(net("old"), 0, "offset=\"0\"", "offset=\"-8\"")),
              HasSubstr("does not say where it lies"));
  EXPECT_THAT(
      refusal(changed(net("old"), 0, "shape=\"2, 3, 2, 2\"", "shape=\"2, 3, 2, 2000000000\"")),
      HasSubstr("a constant is out of range"));
  EXPECT_THAT(refusal(changed(net("old"), 0, "<dim>3</dim>", "<dim>999999999999</dim>")),
              HasSubstr("a shape is out of range"));
  const std::string circle = R"(<net version="11"><layers>
<layer id="0" type="ReLU"><input><port id="0"/></input><output><port id="1"/></output></layer>
<layer id="1" type="ReLU"><input><port id="0"/></input><output><port id="1"/></output></layer>
</layers><edges><edge from-layer="0" from-port="1" to-layer="1" to-port="0"/>
<edge from-layer="1" from-port="1" to-layer="0" to-port="0"/></edges></net>)";
  EXPECT_THAT(refusal(of_text(circle)), HasSubstr("in a circle"));
  const std::string open = R"(<net version="11"><layers>
<layer id="0" type="ReLU"><input><port id="0"/></input><output><port id="1"/></output></layer>
</layers><edges/></net>)";
  EXPECT_THAT(refusal(of_text(open)), HasSubstr("reads what is not there"));
  EXPECT_THAT(refusal(of_text("<net")), HasSubstr("cannot be read as XML"));
  EXPECT_THAT(refusal({net("old")[0]}), HasSubstr("are missing"));
}

// One constant, named a thousand times: not a thousand times its size.
TEST(OpenVino, BoundsConstantsThatShareTheirBytes) {
  std::string layers;
  for (int i = 0; i < 4000; ++i)
    layers += "<layer id=\"" + std::to_string(i) +
              "\" type=\"Const\"><data element_type=\"f32\" shape=\"250000\" offset=\"0\" "
              "size=\"1000000\"/><output><port id=\"0\"><dim>250000</dim></port></output></layer>";
  EXPECT_THAT(refusal(of_text("<net version=\"11\"><layers>" + layers + "</layers></net>",
                              std::string(1'000'000, 'a'))),
              HasSubstr("larger than its file"));
}

// One wrong byte, or an end too early: refused or read, but never beyond the file (the sanitizers
// watch).
TEST(OpenVino, SurvivesDamage) {
  for (const char* name : {"shapes", "steps", "old"}) {
    const std::vector<Part> parts = net(name);
    int refused = 0;
    for (std::size_t part = 0; part < parts.size(); ++part) {
      const std::size_t size = parts[part].bytes.size();
      const std::size_t step = std::max<std::size_t>(size / 200, 1);
      for (std::size_t i = 0; i < size; i += step) {
        std::vector<Part> wrong = parts;
        wrong[part].bytes[i] ^= std::byte{0x15};
        refused += import_parts(kFormat, wrong) ? 0 : 1;
        (void)inspect(wrong);
        wrong[part].bytes.resize(i);
        refused += import_parts(kFormat, wrong) ? 0 : 1;
      }
    }
    EXPECT_GT(refused, 100) << name;
  }
}

}  // namespace
}  // namespace visavis::modelkit
