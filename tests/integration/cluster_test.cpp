#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "program.hpp"

namespace visavis::integration {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
    ++found;
  return found;
}

TEST_F(FaceTest, ClusterPutsThePhotosOfOnePersonTogether) {
  const std::string odd = at("a&b <\"c\">.png");
  std::filesystem::copy(photo("astronaut.png"), odd);
  const Answer answer =
      visavis({"cluster", photo("biden.jpg"), photo("obama.jpg"), photo("obama2.jpg"), odd,
               "--select", "largest", "--out", at("g.tsv"), "--html", at("g.html"), "--json"});
  ASSERT_EQ(answer.code, 0) << answer.err;
  const nlohmann::json json = answer.json();
  // Cosines of an independent pipeline (numpy MTCNN, OpenCV warp, ONNX Runtime): .753 between the
  // two of one man, at most .091 to the others.
  EXPECT_EQ(json["groups"], 3);
  EXPECT_EQ(json["grouped"], 2);
  EXPECT_EQ(json["promise"]["value"], 1e-5);
  EXPECT_EQ(json["faces"][0]["path"], photo("obama.jpg"));
  EXPECT_EQ(json["faces"][1]["path"], photo("obama2.jpg"));
  EXPECT_EQ(json["faces"][1]["group"], 0);
  EXPECT_EQ(json["faces"][2]["group"], 1);

  EXPECT_THAT(text_of(at("g.tsv")),
              HasSubstr("group\tpath\tface\tquality\n0\t" + photo("obama.jpg") + "\t"));
  const std::string html = text_of(at("g.html"));
  EXPECT_EQ(count(html, "<img src=\"data:image/jpeg;base64,/9j/"), 4U);
  EXPECT_THAT(html, HasSubstr("a&amp;b &lt;&quot;c&quot;&gt;.png"));
  EXPECT_THAT(html, Not(HasSubstr("http")));
}

TEST_F(FaceTest, ClusterDoesTheRestOfABatch) {
  write("broken.jpg", "this is no picture");
  const Answer answer =
      visavis({"cluster", at("broken.jpg"), photo("biden.jpg"), "--select", "largest", "--json"});
  EXPECT_EQ(answer.code, 3);
  EXPECT_EQ(answer.json()["faces"].size(), 1U);
  EXPECT_EQ(answer.json()["errors"][0]["path"], at("broken.jpg"));
  EXPECT_EQ(visavis({"cluster", photo("biden.jpg"), "--out", at(".")}).code, 2);
  EXPECT_EQ(visavis({"cluster", photo("biden.jpg"), "--far", "1e-9"}).code, 2)
      << "beyond what was calibrated";
}

TEST_F(FaceTest, ClusterWritesBothFilesOrNone) {
  // The table is small enough, the contact sheet is not.
  const std::vector<std::string> small_disk{"/bin/sh", "-c",
                                            R"(trap '' XFSZ; ulimit -f 8; exec "$@")", "sh"};
  const Answer answer =
      visavis({"cluster", photo("biden.jpg"), photo("obama.jpg"), photo("obama2.jpg"),
               photo("obama3.jpg"), "--out", at("new/g.tsv"), "--html", at("newer/g.html")},
              small_disk);
  EXPECT_EQ(answer.code, 4) << answer.err;
  EXPECT_FALSE(std::filesystem::exists(at("new")));
  EXPECT_FALSE(std::filesystem::exists(at("newer")));
}

}  // namespace
}  // namespace visavis::integration
