#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>
#include <visavis/core/file.hpp>
#include <visavis/models/manifest.hpp>

namespace visavis::models {
namespace {

using testing::HasSubstr;

const std::string kSha(64, 'a');

/// A complete manifest, in which a test replaces one piece.
std::string sample() {
  return R"({"schema":"visavis.manifest/1","id":"m","title":"t","role":"recogniser",
"family":"embedding","files":[{"name":"network","sha256":")" +
         kSha + R"(","source":{"registry":"npm","package":"@scope/p","version":"1.0.0",
"archive_sha256":")" +
         kSha + R"(","member":"package/a.onnx"},"importer":"onnx","onnx_sha256":")" + kSha +
         R"("}],"weights_licence":"MIT","training_data":"unknown","preparation":{"width":4,
"height":2,"colour":"bgr","mean":[1,2,3],"scale":[0.5,0.25,1]},"alignment":"arcface",
"dimension":8,"norm_is_quality":true,"quality_aware":{"alpha":0.1,"beta":0.2},
"golden":[{"file":"network","width":4,"height":2,"output":"y","offset":1,"stride":2,
"values":[1.5,-2],"tolerance":{"f32":0.001,"bf16":0.1},"provenance":"by hand"}]})";
}

std::string with(const std::string& from, const std::string& to) {
  std::string text = sample();
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(Manifest, ReadsEveryField) {
  const Result<Manifest> m = parse_manifest(sample());
  ASSERT_TRUE(m) << m.error().message;
  EXPECT_EQ(m->id, "m");
  EXPECT_EQ(m->role, Role::kRecogniser);
  ASSERT_EQ(m->files.size(), 1U);
  EXPECT_EQ(m->files[0].source->package, "@scope/p");
  EXPECT_EQ(m->files[0].source->member, "package/a.onnx");
  EXPECT_EQ(m->preparation.colour, ColourOrder::kBgr);
  EXPECT_EQ(m->preparation.mean, (std::array<float, 3>{1, 2, 3}));
  EXPECT_EQ(m->preparation.scale, (std::array<float, 3>{.5F, .25F, 1}));
  EXPECT_EQ(m->alignment, AlignmentTemplate::kArcFace);
  EXPECT_EQ(m->dimension, 8);
  EXPECT_TRUE(m->norm_is_quality);
  EXPECT_DOUBLE_EQ(m->quality_aware->beta, .2);
  ASSERT_EQ(m->golden.size(), 1U);
  EXPECT_EQ(m->golden[0].values, (std::vector<float>{1.5F, -2}));
  EXPECT_DOUBLE_EQ(m->golden[0].tolerance.at("bf16"), .1);
}

TEST(Manifest, TermsAreUnclearUnlessItSaysOtherwise) {
  EXPECT_EQ(parse_manifest(sample())->terms, Terms::kUnclear);
  const auto free =
      parse_manifest(with(R"("training_data")", R"("terms":"permissive","training_data")"));
  ASSERT_TRUE(free) << free.error().message;
  EXPECT_EQ(free->terms, Terms::kPermissive);
  EXPECT_FALSE(parse_manifest(with(R"("training_data")", R"("terms":"free","training_data")")));
}

constexpr const char* kRecipe =
    R"("int8":{"activations":{"x":[-1,2.5],"y":[0,1]},"equalised":{"c":"019"},"keep_float":["d"],
"bias_shifts":{"c":{"unit":0.5,"counts":"1 -127 0"}},"weight_steps":64},"onnx_sha256")";

TEST(Manifest, ReadsAnInt8Recipe) {
  const auto m = parse_manifest(with(R"("onnx_sha256")", kRecipe));
  ASSERT_TRUE(m) << m.error().message;
  ASSERT_TRUE(m->files[0].int8);
  const Int8Recipe& recipe = *m->files[0].int8;
  EXPECT_EQ(recipe.activations.at("x").low, -1);
  EXPECT_EQ(recipe.activations.at("x").high, 2.5F);
  EXPECT_EQ(recipe.equalised.at("c"), (std::vector<std::uint8_t>{0, 1, 9}));
  EXPECT_TRUE(recipe.keep_float.contains("d"));
  EXPECT_EQ(recipe.bias_shifts.at("c").unit, .5F);
  EXPECT_EQ(recipe.bias_shifts.at("c").counts, (std::vector<std::int8_t>{1, -127, 0}));
  EXPECT_EQ(recipe.weight_steps, 64);
  // Another network than the float one, and than another recipe's.
  EXPECT_NE(model_id(*m, false), model_id(*parse_manifest(sample()), false));
  Manifest other = *m;
  other.files[0].onnx_sha256 = std::string(64, 'b');
  EXPECT_NE(model_id(*m, false), model_id(other, false));
}

TEST(Manifest, ReadsWeightsOf16Bits) {
  const auto m = parse_manifest(with(R"("onnx_sha256")", R"("weights":"f16","onnx_sha256")"));
  ASSERT_TRUE(m) << m.error().message;
  EXPECT_TRUE(m->files[0].f16);
  EXPECT_FALSE(parse_manifest(sample())->files[0].f16);
  EXPECT_NE(model_id(*m, false), model_id(*parse_manifest(sample()), false));
  const auto unknown = parse_manifest(with(R"("onnx_sha256")", R"("weights":"f32","onnx_sha256")"));
  ASSERT_FALSE(unknown);
  EXPECT_THAT(unknown.error().message, HasSubstr("files[0].weights must be f16"));
  const auto both =
      parse_manifest(with(R"("onnx_sha256")", std::string(R"("weights":"f16",)") + kRecipe));
  ASSERT_FALSE(both);
  EXPECT_THAT(both.error().message, HasSubstr("files[0].weights cannot be beside int8"));
}

TEST(Manifest, ReadsCompanions) {
  const std::string companion =
      R"("file_name":"net.txt","companions":[{"name":"deep/net.bin","sha256":")" + kSha +
      R"(","bytes":7,"source":{"registry":"npm","package":"p",
"version":"1.0.0","archive_sha256":")" +
      kSha + R"(","member":"package/net.bin"}}],"onnx_sha256")";
  const auto m = parse_manifest(with(R"("onnx_sha256")", companion));
  ASSERT_TRUE(m) << m.error().message;
  EXPECT_EQ(m->files[0].file_name, "net.txt");
  ASSERT_EQ(m->files[0].companions.size(), 1U);
  EXPECT_EQ(m->files[0].companions[0].name, "deep/net.bin");
  EXPECT_EQ(m->files[0].companions[0].sha256, kSha);
  EXPECT_EQ(m->files[0].companions[0].bytes, 7U);
  EXPECT_EQ(m->files[0].companions[0].source->member, "package/net.bin");
  for (const auto& [from, to] :
       std::vector<std::pair<std::string, std::string>>{{R"("net.txt")", R"("deep/net.txt")"},
                                                        {R"("file_name":"net.txt",)", ""},
                                                        {"deep/net.bin", "../net.bin"},
                                                        {"deep/net.bin", "net.txt"},
                                                        {R"("bytes":7)", R"("bytes":0)"},
                                                        {R"("bytes":7,)", ""},
                                                        {R"("bytes":7)", R"("bytes":7,"size":7)"},
                                                        {R"("source")", R"("origin")"}}) {
    std::string wrong = companion;
    wrong.replace(wrong.find(from), from.size(), to);
    const auto refused = parse_manifest(with(R"("onnx_sha256")", wrong));
    ASSERT_FALSE(refused) << to;
    EXPECT_THAT(refused.error().message, HasSubstr("files[0].")) << to;
  }
}

TEST(Manifest, ReadsWhichNetworkOfASavedModelIsMeant) {
  const auto chosen = [](const std::string& importer, const std::string& fields) {
    return parse_manifest(
        with(R"("importer":"onnx",)", R"("importer":")" + importer + "\"," + fields));
  };
  const std::string both = R"("tag":"parts,serve","signature":"halves",)";
  const auto m = chosen("tensorflow", both + R"("file_name":"saved_model.pb",)");
  ASSERT_TRUE(m) << m.error().message;
  EXPECT_EQ(m->files[0].tag, "parts,serve");
  EXPECT_EQ(m->files[0].signature, "halves");
  EXPECT_EQ(m->files[0].file_name, "saved_model.pb");
  // Each of them is another network.
  std::set<ModelId> ids;
  for (const std::string& fields : {std::string(), both, std::string(R"("tag":"parts",)"),
                                    std::string(R"("signature":"parts",)")})
    ids.insert(model_id(*chosen("tensorflow", fields), false));
  EXPECT_EQ(ids.size(), 4U);
  const auto other = chosen("tflite", both);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().message,
            "manifest: files[0].tag is for the importer tensorflow only, not for tflite");
  for (const char* wrong : {R"("tag":"",)", R"("signature":"a\u000ab",)", R"("tag":7,)"}) {
    const auto refused = chosen("tensorflow", wrong);
    ASSERT_FALSE(refused) << wrong;
    EXPECT_THAT(refused.error().message, HasSubstr("files[0].")) << wrong;
  }
}

TEST(Manifest, ReadsCertificates) {
  const std::string certificate = R"("certificates":[{"file":"network","source_sha256":")" + kSha +
                                  R"(","result_sha256":")" + kSha +
                                  R"(","inputs":"8 random","photos":"ten","engines":[
{"engine":"e","version":"1","max_abs":1e-6,"min_cosine":0.5,"recognition":[
{"figure":"least cosine","result":0.75},{"figure":"accuracy","original":0.5,"result":0.25}]},
{"engine":"f","version":"2","max_abs":0,"min_cosine":1}]}],"golden")";
  const auto m = parse_manifest(with(R"("golden")", certificate));
  ASSERT_TRUE(m) << m.error().message;
  ASSERT_EQ(m->certificates.size(), 1U);
  EXPECT_EQ(m->certificates[0].source_sha256, kSha);
  EXPECT_EQ(m->certificates[0].inputs, "8 random");
  EXPECT_EQ(m->certificates[0].engines.at(0).max_abs, 1e-6);
  EXPECT_EQ(m->certificates[0].engines.at(0).min_cosine, .5);
  EXPECT_EQ(m->certificates[0].photos, "ten");
  const std::vector<MeasuredFigure>& figures = m->certificates[0].engines.at(0).recognition;
  ASSERT_EQ(figures.size(), 2U);
  EXPECT_EQ(figures[0].name, "least cosine");
  EXPECT_EQ(figures[0].before, std::nullopt);
  EXPECT_EQ(figures[0].after, .75);
  EXPECT_EQ(figures[1].before, .5);
  EXPECT_EQ(figures[1].after, .25);
  EXPECT_TRUE(m->certificates[0].engines.at(1).recognition.empty());
  std::string wrong = certificate;
  wrong.replace(wrong.find("network"), 7, "nowhere");
  EXPECT_THAT(parse_manifest(with(R"("golden")", wrong)).error().message,
              HasSubstr("certificates[0].file names no file"));
  wrong = certificate;
  wrong.replace(wrong.find("original"), 8, "whatever");
  EXPECT_THAT(parse_manifest(with(R"("golden")", wrong)).error().message,
              HasSubstr("certificates[0].engines[0].recognition[1].whatever"));
}

TEST(Manifest, ReadsWhatWasMeasured) {
  const auto m = parse_manifest(with(R"("golden")", R"("measured":{"model":"f","figures":[
{"figure":"accuracy","float":0.99,"int8":0.98},{"figure":"mean cosine","int8":0.997}],
"provenance":"by hand"},"golden")"));
  ASSERT_TRUE(m) << m.error().message;
  ASSERT_TRUE(m->measured);
  EXPECT_EQ(m->measured->model, "f");
  ASSERT_EQ(m->measured->figures.size(), 2U);
  EXPECT_EQ(m->measured->figures[0].before, .99);
  EXPECT_EQ(m->measured->figures[1].before, std::nullopt);
  EXPECT_EQ(m->measured->figures[1].after, .997);
  const auto half = parse_manifest(with(R"("golden")", R"("measured":{"model":"f","figures":[
{"figure":"accuracy","float":0.99,"f16":0.985}],"provenance":"by hand"},"golden")"));
  ASSERT_TRUE(half) << half.error().message;
  EXPECT_EQ(half->measured->figures[0].after, .985);
}

TEST(Manifest, RefusesARecipeThatIsWrong) {
  for (const auto& [from, to] :
       std::vector<std::pair<std::string, std::string>>{{"[-1,2.5]", "[1,2.5]"},
                                                        {"[-1,2.5]", "[-3e38,3e38]"},
                                                        {"[-1,2.5]", "[-1]"},
                                                        {"[-1,2.5]", "7"},
                                                        {R"("019")", R"("01a")"},
                                                        {R"("019")", "19"},
                                                        {R"(["d"])", "[4]"},
                                                        {"1 -127 0", ""},
                                                        {"1 -127 0", "1 -128 0"},
                                                        {"1 -127 0", "1  0"},
                                                        {"1 -127 0", "1 99999999999 0"},
                                                        {":0.5", ":0"},
                                                        {":64", ":128"},
                                                        {":64", ":0"},
                                                        {R"("activations")", R"("ranges")"}}) {
    std::string recipe = kRecipe;
    recipe.replace(recipe.find(from), from.size(), to);
    const auto refused = parse_manifest(with(R"("onnx_sha256")", recipe));
    ASSERT_FALSE(refused) << to;
    EXPECT_THAT(refused.error().message, HasSubstr("files[0].int8")) << to;
  }
}

struct Defect {
  const char* name;
  std::string from;
  std::string to;
  std::string message;
};

class ManifestDefect : public testing::TestWithParam<Defect> {};

TEST_P(ManifestDefect, IsNamed) {
  const Result<Manifest> m = parse_manifest(with(GetParam().from, GetParam().to));
  ASSERT_FALSE(m);
  EXPECT_EQ(m.error().code, ErrorCode::kDecodeFailed);
  EXPECT_THAT(m.error().message, HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Fields, ManifestDefect,
    testing::Values(
        Defect{"Schema", "manifest/1", "manifest/2", "schema must be visavis.manifest/1"},
        Defect{"IdLeavesFolder", R"("id":"m")", R"("id":"../m")", "id must be"},
        Defect{"IdHidden", R"("id":"m")", R"("id":".m")", "id must be"},
        Defect{"IdMissing", R"("id":"m",)", "", "id is missing"},
        Defect{"IdNumber", R"("id":"m")", R"("id":7)", "id must be text"},
        Defect{"Unknown", R"("id":"m")", R"("id":"m","famliy":1)", "famliy is not a known field"},
        Defect{"Twice", R"("id":"m")", R"("id":"m","id":"n")", "the key id is there twice"},
        Defect{"Role", "recogniser", "oracle", "role must be one of: detector, recogniser"},
        Defect{"Hash", kSha, std::string(64, 'A'), "files[0].sha256 must be 64 hexadecimal"},
        Defect{"HashShort", kSha, "aa", "files[0].sha256 must be 64 hexadecimal"},
        Defect{"MarginZero", R"("importer":"onnx")", R"("importer":"onnx","screen_margin":0)",
               "screen_margin must be above 0 and below 1"},
        Defect{"MarginOne", R"("importer":"onnx")", R"("importer":"onnx","screen_margin":1)",
               "screen_margin must be above 0 and below 1"},
        Defect{"MemberLeaves", "package/a.onnx", "package/../../a", "member must be a path inside"},
        Defect{"MemberAbsolute", "package/a.onnx", "/etc/passwd", "member must be a path inside"},
        Defect{"Registry", R"("npm")", R"("ftp")", "registry must be one of: npm, pypi"},
        Defect{"PackageOption", "@scope/p", "--registry=x", "package is not the name"},
        Defect{"PackagePath", "@scope/p", "../p", "package is not the name"},
        Defect{"VersionRange", "1.0.0", "^1.0.0", "version is not an exact version"},
        Defect{"Width", R"("width":4,
"height")",
               R"("width":1e3,"height")", "preparation.width must be a whole number"},
        Defect{"WidthHuge", R"("width":4,
"height")",
               R"("width":18446744073709551615,"height")",
               "preparation.width must be a whole number from 0 to 4096"},
        Defect{"OneSide", R"("width":4,
"height")",
               R"("width":0,"height")", "must both be 0"},
        Defect{"MeanShort", "[1,2,3]", "[1,2]", "preparation.mean must be 3 numbers"},
        Defect{"MeanText", "[1,2,3]", R"([1,2,"3"])", "preparation.mean must be 3 numbers"},
        Defect{"MeanHuge", "[1,2,3]", "[1,2,1e300]", "preparation.mean must be 3 numbers"},
        Defect{"ScaleZero", "[0.5,0.25,1]", "[0,0.25,1]", "preparation.scale must be positive"},
        Defect{"FilesText", R"([{"name":"network")", R"("x","y":[{"name":"network")",
               "files must be a list"},
        Defect{"GoldenFile", R"("file":"network")", R"("file":"other")",
               "golden[0].file names no file"},
        Defect{"GoldenSize", R"("file":"network","width":4)", R"("file":"network","width":5)",
               "golden[0].width"},
        Defect{"GoldenPrecision", R"("bf16":0.1)", R"("bf8":0.1)", "bf8 is not a known field"},
        Defect{"Document", R"({"schema")", R"([{"schema")", "is not JSON at byte"}),
    [](const auto& param) { return param.param.name; });

TEST(Manifest, RefusesWhatIsNoManifest) {
  for (const std::string text : {"", "null", "[]", "{", "\xff\xfe", "{}"})
    EXPECT_EQ(parse_manifest(text).error().code, ErrorCode::kDecodeFailed) << text;
  EXPECT_THAT(parse_manifest(std::string(2U << 20U, ' ')).error().message, HasSubstr("1 MiB"));
  EXPECT_FALSE(parse_manifest(std::string(1U << 20U, '[')));
}

TEST(Manifest, ReadsWhatIsKeptAsData) {
  EXPECT_EQ(parse_manifest(sample())->files[0].screen_margin, 0);
  EXPECT_FALSE(parse_manifest(sample())->files[0].as_data);
  const auto m = parse_manifest(
      with(R"("importer":"onnx")", R"("importer":"onnx","as_data":true,"screen_margin":0.25)"));
  ASSERT_TRUE(m) << m.error().message;
  EXPECT_TRUE(m->files[0].as_data);
  EXPECT_EQ(m->files[0].screen_margin, 0.25);
}

TEST(Manifest, ReadsAFittedQuality) {
  EXPECT_FALSE(parse_manifest(sample())->quality);
  const auto fitted = [](const std::string& quality) {
    return parse_manifest(
        with(R"("norm_is_quality":true)", R"("norm_is_quality":true,"quality":)" + quality));
  };
  const auto m =
      fitted(R"({"bias":-3,"weights":{"log_norm":1.5,"facing":0},"provenance":"by hand"})");
  ASSERT_TRUE(m) << m.error().message;
  EXPECT_EQ(m->quality->bias, -3);
  EXPECT_EQ(m->quality->weights.at("log_norm"), 1.5);
  EXPECT_EQ(model_id(*m, false), model_id(*parse_manifest(sample()), false)) << "no vector changes";
  for (const char* wrong :
       {"7", "{}", R"({"bias":0,"weights":{},"provenance":"p"})",
        R"({"bias":0,"weights":{"log_norm":-1},"provenance":"p"})",
        R"({"bias":0,"weights":{"log_norm":"1"},"provenance":"p"})",
        R"({"bias":0,"weights":[1],"provenance":"p"})", R"({"bias":0,"weights":{"log_norm":1}})",
        R"({"bias":0,"weights":{"log_norm":1},"provenance":"p","more":1})"})
    EXPECT_EQ(fitted(wrong).error().code, ErrorCode::kDecodeFailed) << wrong;
}

TEST(Manifest, RefusesTwoFilesOfOneName) {
  const std::string file = R"({"name":"a","sha256":")" + kSha +
                           R"(","importer":"onnx","onnx_sha256":")" + kSha + R"("})";
  std::string text = sample();
  const std::size_t begin = text.find(R"("files":[)") + 9;
  text.replace(begin, text.find(R"(],"weights)") - begin, file + "," + file);
  EXPECT_THAT(parse_manifest(text).error().message, HasSubstr("files[1].name is there twice"));
}

/// A fused recogniser, in which a test replaces one piece.
std::string fused_sample() {
  return R"({"schema":"visavis.manifest/1","id":"f","title":"t","role":"recogniser",
"family":"fusion","fusion":{"members":[{"model":"m","weight":0.25},{"model":"n","weight":0.75}],
"provenance":"by hand"},"weights_licence":"MIT","training_data":"unknown","dimension":16,
"norm_is_quality":true})";
}

TEST(FusedManifest, NamesItsMembers) {
  const Result<Manifest> m = parse_manifest(fused_sample());
  ASSERT_TRUE(m) << m.error().message;
  ASSERT_TRUE(m->fusion);
  ASSERT_EQ(m->fusion->members.size(), 2U);
  EXPECT_EQ(m->fusion->members[1].model, "n");
  EXPECT_DOUBLE_EQ(m->fusion->members[1].weight, .75);
  EXPECT_EQ(m->fusion->provenance, "by hand");
  EXPECT_EQ(m->dimension, 16);
  EXPECT_TRUE(m->files.empty());
}

class FusedManifestDefect : public testing::TestWithParam<Defect> {};

TEST_P(FusedManifestDefect, IsNamed) {
  std::string text = fused_sample();
  const std::size_t at = text.find(GetParam().from);
  ASSERT_NE(at, std::string::npos);
  const Result<Manifest> m =
      parse_manifest(text.replace(at, GetParam().from.size(), GetParam().to));
  ASSERT_FALSE(m);
  EXPECT_EQ(m.error().code, ErrorCode::kDecodeFailed);
  EXPECT_THAT(m.error().message, HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Fields, FusedManifestDefect,
    testing::Values(
        Defect{"Sum", "0.75", "0.7", "fusion.members have weights that do not add up to 1"},
        Defect{"Negative", R"("weight":0.25)", R"("weight":-0.25)",
               "fusion.members[0].weight must be above 0 and below 1"},
        Defect{"Zero", R"("weight":0.25)", R"("weight":0)", "must be above 0 and below 1"},
        Defect{"One", R"("weight":0.75)", R"("weight":1)", "must be above 0 and below 1"},
        Defect{"NotANumber", R"("weight":0.25)", R"("weight":NaN)", "is not JSON at byte"},
        Defect{"Text", R"("weight":0.25)", R"("weight":"nan")", "weight must be a number"},
        Defect{"Huge", R"("weight":0.25)", R"("weight":1e39)", "weight must be a number"},
        Defect{"WeightMissing", R"(,"weight":0.25)", "", "members[0].weight is missing"},
        Defect{"Twice", R"("model":"n")", R"("model":"m")", "members[1].model is there twice"},
        Defect{"Path", R"("model":"n")", R"("model":"../n")", "members[1].model is no id"},
        Defect{"Alone", R"(,{"model":"n","weight":0.75})", "", "must be at least two"},
        Defect{"NoList", R"([{"model":"m","weight":0.25},{"model":"n","weight":0.75}])", "7",
               "fusion.members must be a list"},
        Defect{"NoProvenance", R"(,
"provenance":"by hand")",
               "", "fusion.provenance is missing"},
        Defect{"OwnPreparation", R"("dimension":16)", R"("dimension":16,"preparation":{})",
               "preparation is not a known field"},
        Defect{"OwnFiles", R"("dimension":16)", R"("dimension":16,"files":[])",
               "files is not a known field"},
        Defect{"Detector", "recogniser", "detector", "preparation is missing"}),
    [](const auto& param) { return param.param.name; });

/// The two samples with members looked up, as a store does it.
Manifest fused() {
  Manifest fused = *parse_manifest(fused_sample());
  for (Member& member : fused.fusion->members) {
    Manifest own = *parse_manifest(sample());
    own.id = member.model;
    member.manifest = std::make_shared<const Manifest>(std::move(own));
  }
  return fused;
}

TEST(FusedManifest, HasItsMembersFiles) {
  const std::vector<ModelFile> files = all_files(fused());
  ASSERT_EQ(files.size(), 2U);
  EXPECT_EQ(files[0].name, "m/network");
  EXPECT_EQ(files[1].name, "n/network");
  EXPECT_EQ(files[1].sha256, kSha);
  EXPECT_EQ(all_files(*parse_manifest(sample())).front().name, "network");
}

TEST(ModelId, OfAFusionCoversItsMembersAndWeights) {
  const ModelId id = model_id(fused(), false);
  EXPECT_NE(id, model_id(fused(), true));
  EXPECT_NE(id, model_id(*parse_manifest(sample()), false));
  Manifest weighed = fused();
  weighed.fusion->members[0].weight = .5;
  EXPECT_NE(id, model_id(weighed, false));
  Manifest turned = fused();
  std::swap(turned.fusion->members[0].weight, turned.fusion->members[1].weight);
  EXPECT_NE(id, model_id(turned, false));
  Manifest other = fused();
  Manifest member = *other.fusion->members[1].manifest;
  member.files[0].sha256[0] = 'b';
  other.fusion->members[1].manifest = std::make_shared<const Manifest>(member);
  EXPECT_NE(id, model_id(other, false));
}

// The text and its hash were written out by hand from docs/formats/manifest.md (sha256sum): .25 is
// 3fd0000000000000, .75 is 3fe8000000000000.
TEST(ModelId, OfAFusionFollowsTheDocument) {
  EXPECT_EQ(to_hex(model_id(fused(), true)), "8fc9628fd3b2f79b");
}

TEST(ModelId, CoversWhatChangesTheVector) {
  const Manifest m = *parse_manifest(sample());
  const ModelId id = model_id(m, false);
  EXPECT_NE(id, model_id(m, true));
  const auto changed = [&](auto change) {
    Manifest other = m;
    change(other);
    return model_id(other, false) != id;
  };
  EXPECT_TRUE(changed([](Manifest& o) { o.files[0].sha256[0] = 'b'; }));
  EXPECT_TRUE(changed([](Manifest& o) { o.files[0].importer = "tflite"; }));
  EXPECT_TRUE(changed([](Manifest& o) { o.preparation.width = 5; }));
  EXPECT_TRUE(changed([](Manifest& o) { o.preparation.colour = ColourOrder::kRgb; }));
  EXPECT_TRUE(changed([](Manifest& o) { o.preparation.mean[1] = 0; }));
  EXPECT_TRUE(changed([](Manifest& o) { o.preparation.scale[2] = 2; }));
  EXPECT_TRUE(changed([](Manifest& o) { o.preparation.prewhiten = true; }));
  EXPECT_TRUE(changed([](Manifest& o) { o.alignment = AlignmentTemplate::kFaceNet; }));
  EXPECT_FALSE(changed([](Manifest& o) { o.title = "other words"; }));
  EXPECT_FALSE(changed([](Manifest& o) { o.golden.clear(); }));
}

// The text and its hash were written out by hand from docs/formats/manifest.md (sha256sum).
TEST(ModelId, FollowsTheDocument) {
  EXPECT_EQ(to_hex(model_id(*parse_manifest(sample()), true)), "77d5c0149a8dc0ac");
  EXPECT_EQ(to_hex(ModelId{0x0123456789abcdefU}), "0123456789abcdef");
}

// Values worked out by hand from the formula in docs/formats/manifest.md.
TEST(TestChip, FollowsTheFormula) {
  const Image chip = test_chip(112, 112);
  EXPECT_EQ(std::vector<int>(chip.row(0), chip.row(0) + 3), (std::vector<int>{40, 170, 210}));
  // x = 100, y = 50: 700 + 150 + 625 + 40 = 1515, mod 510 = 495, 255 − 240 = 15, and so on.
  const std::uint8_t* pixel = chip.row(50) + 300;
  EXPECT_EQ(std::vector<int>(pixel, pixel + 3), (std::vector<int>{15, 15, 195}));
}

TEST(ShippedManifests, CanAllBeRead) {
  for (const char* id : {"mtcnn", "faceplugin-detect", "faceplugin-landmark-68", "faceplugin-512",
                         "mobilefacenet-192", "fusion-704"}) {
    const auto bytes =
        read_file(std::string(VISAVIS_SOURCE_DIR) + "/models/" + id + ".json", 1U << 20U);
    ASSERT_TRUE(bytes) << id;
    const Result<Manifest> m =
        parse_manifest({reinterpret_cast<const char*>(bytes->data()), bytes->size()});
    ASSERT_TRUE(m) << id << ": " << m.error().message;
    EXPECT_EQ(m->id, id);
  }
}

}  // namespace
}  // namespace visavis::models
