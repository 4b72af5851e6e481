#include "visavis/protocols/templates.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "visavis/core/result.hpp"
#include "visavis/protocols/pairs.hpp"
#include "visavis/protocols/verification.hpp"
#include "visavis/store/tsv.hpp"
#include "visavis/vocab/embedding.hpp"

namespace visavis::protocols {
namespace {

using Row = std::vector<std::string>;

/// The words of a line that has no tabs.
Row words_of(const std::string& line) {
  Row words;
  for (std::size_t begin = 0; begin < line.size();) {
    const std::size_t end = std::min(line.find(' ', begin), line.size());
    if (end > begin) words.push_back(line.substr(begin, end - begin));
    begin = end + 1;
  }
  return words;
}

Result<std::vector<Row>> rows_of(std::string_view text) {
  VISAVIS_TRY(rows, store::parse_tsv(text));
  for (Row& row : rows)
    if (row.size() == 1) row = words_of(row[0]);
  return rows;
}

/// A weighted sum of vectors and of their norms.
struct Sum {
  std::vector<double> values;
  double norm = 0;
  double weight = 0;

  void add(std::span<const double> vector, double its_norm, double its_weight) {
    values.resize(vector.size());
    for (std::size_t i = 0; i < vector.size(); ++i) values[i] += its_weight * vector[i];
    norm += its_weight * its_norm;
    weight += its_weight;
  }
};

using Members = std::vector<const RatedFace*>;

/// Qualities, or ones if they do not count or are all 0.
std::vector<double> weights_of(const std::vector<double>& qualities, Fusion fusion) {
  const bool has_weight = std::ranges::any_of(qualities, [](double q) { return q > 0; });
  if (fusion == Fusion::kQuality && has_weight) return qualities;
  return std::vector<double>(qualities.size(), 1.0);
}

/// The mean of one media's faces, and their mean quality.
std::pair<Sum, double> media_mean(const Members& faces, Fusion fusion) {
  std::vector<double> qualities;
  double mean_quality = 0;
  for (const RatedFace* face : faces) {
    qualities.push_back(std::max(0.F, face->quality));
    mean_quality += qualities.back() / static_cast<double>(faces.size());
  }
  const std::vector<double> weights = weights_of(qualities, fusion);
  Sum sum;
  for (std::size_t i = 0; i < faces.size(); ++i) {
    const Embedding& embedding = faces[i]->embedding;
    const std::vector<double> values(embedding.values.begin(), embedding.values.end());
    sum.add(values, embedding.norm, weights[i]);
  }
  for (double& value : sum.values) value /= sum.weight;
  sum.norm /= sum.weight;
  return {std::move(sum), mean_quality};
}

std::optional<Embedding> fuse(const std::map<std::string_view, Members>& media, Fusion fusion) {
  std::vector<Sum> means;
  std::vector<double> qualities;
  ModelId model{};
  for (const auto& [name, faces] : media) {
    auto [mean, quality] = media_mean(faces, fusion);
    means.push_back(std::move(mean));
    qualities.push_back(quality);
    model = faces.front()->embedding.model;
  }
  const std::vector<double> weights = weights_of(qualities, fusion);
  Sum all;
  for (std::size_t i = 0; i < means.size(); ++i)
    all.add(means[i].values, means[i].norm, weights[i]);
  double squares = 0;
  for (const double value : all.values) squares += value * value;
  const double length = std::sqrt(squares);
  if (!(length > 1e-9 * all.weight)) return std::nullopt;
  Embedding fused{.model = model, .values = {}, .norm = static_cast<float>(all.norm / all.weight)};
  for (const double value : all.values) fused.values.push_back(static_cast<float>(value / length));
  return fused;
}

Result<void> check_models(const RatedFaces& faces) {
  const Embedding* first = nullptr;
  for (const auto& [path, face] : faces) {
    if (!face) continue;
    if (first == nullptr) first = &face->embedding;
    if (face->embedding.model != first->model ||
        face->embedding.values.size() != first->values.size())
      return fail(ErrorCode::kModelMismatch, "the photos were embedded by different models");
  }
  return {};
}

}  // namespace

Result<std::vector<TemplatePhoto>> parse_templates(std::string_view text) {
  VISAVIS_TRY(rows, rows_of(text));
  std::vector<TemplatePhoto> photos;
  std::set<std::tuple<std::string, std::string>> known;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i == 0 && rows[0] == Row{"path", "template", "media"}) continue;
    const Row& row = rows[i];
    const std::string where = "row " + std::to_string(i + 1) + " of the list of templates ";
    if (row.size() != 3 || std::ranges::any_of(row, &std::string::empty))
      return fail(ErrorCode::kDecodeFailed, where + "is not a path, a template and a media");
    if (!known.emplace(row[0], row[1]).second)
      return fail(ErrorCode::kDecodeFailed, where + "puts a photo into a template twice");
    photos.push_back({.path = row[0], .name = row[1], .media = row[2]});
  }
  if (photos.empty()) return fail(ErrorCode::kDecodeFailed, "the list of templates is empty");
  return photos;
}

Result<PairList> parse_template_pairs(std::string_view text) {
  VISAVIS_TRY(rows, rows_of(text));
  std::string table;
  for (const Row& row : rows) {
    for (std::size_t k = 0; k < row.size(); ++k)
      table += (k == 0 ? "" : "\t") + store::escape_field(row[k]);
    table += "\n";
  }
  // Three fields a line: numbers of templates are not taken for LFW's counts.
  if (std::ranges::any_of(rows, [](const Row& row) { return row.size() != 3; }))
    return fail(ErrorCode::kDecodeFailed,
                "a row of the list of pairs is not two templates and 1 or 0");
  VISAVIS_TRY(list, parse_pairs(table));
  list.protocol = kTemplates;
  return list;
}

Result<Embeddings> fuse_templates(std::span<const TemplatePhoto> photos, const RatedFaces& faces,
                                  Fusion fusion) {
  VISAVIS_CHECK(check_models(faces));
  std::map<std::string_view, std::map<std::string_view, Members>> templates;
  for (const TemplatePhoto& photo : photos) {
    auto& media = templates[photo.name];
    const auto face = faces.find(photo.path);
    if (face == faces.end())
      return fail(ErrorCode::kInvalidArgument, "a photo of the templates was not analysed");
    if (face->second) media[photo.media].push_back(&*face->second);
  }
  Embeddings fused;
  for (const auto& [name, media] : templates)
    fused.emplace(name, media.empty() ? std::nullopt : fuse(media, fusion));
  return fused;
}

}  // namespace visavis::protocols
