#pragma once

/// Other formats become the ONNX that every engine runs: PyTorch state dicts, TensorFlow,
/// TensorFlow Lite, dlib, ONNX itself. Where it is in the flow: package -> fetch_original ->
/// import_model -> model store.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/models/manifest.hpp>
#include <visavis/models/store.hpp>

namespace visavis::modelkit {

/// One of the files that a network consists of in some format. Most are one file, Caffe's are two.
using Part = models::Original;

/// Reads the file `path` and what belongs to it, `path` first: weights beside X.onnx, too.
/// @return what reading a file says; kInvalidArgument over 2 GiB and for links out of its folder.
[[nodiscard]] Result<std::vector<Part>> read_parts(const std::filesystem::path& path);

/// Which network is meant, where a format keeps several side by side: a SavedModel of TensorFlow's
/// has a graph for each set of tags, and signatures by which it may be called.
struct Choice {
  std::string tag{};        ///< Tags, with ',' between. Empty: "serve", or the only graph.
  std::string signature{};  ///< Empty: "serving_default", or the only one.

  [[nodiscard]] bool empty() const { return tag.empty() && signature.empty(); }
};

/// Turns an original into ONNX as `file.importer` says:
///   onnx                  the bytes as they are, read once; with its weights beside it, one file
///   onnx:free-batch       the first dimension of inputs and outputs is made free
///   tensorflow            a frozen graph, a SavedModel or a checkpoint, as it is run and not
///                         trained; NHWC to NCHW, free batch, batch normalisation folded
///   tflite                NHWC to NCHW, free batch, PReLU recognised, explicit padding
///   pytorch:mtcnn-pnet, pytorch:mtcnn-rnet, pytorch:mtcnn-onet
///   pytorch:inception-resnet-v1, pytorch:inception-resnet-v1-classify
///   pytorch:iresnet, pytorch:iresnet-magface, pytorch:mobilefacenet
///   dlib:resnet           dlib's face recognition network, batch normalisation folded
///   caffe                 a .prototxt with its .caffemodel: two files, see import_parts
///   coreml                Core ML's NeuralNetwork
///   openvino              OpenVINO IR, X.xml with X.bin, versions 10 and 11
/// What `pytorch:` reads may be NumPy's .npz with the same names, too.
/// All but `onnx` set weights below 1e-20 to zero, which changes no answer but the speed.
/// The same original gives the same bytes on every machine. It may serve as models::Importer.
/// @return kDecodeFailed for damaged bytes, kUnsupported for an operator that is not known,
/// kNotFound for an importer that is not (with those that are) or for a tag or signature,
/// kModelMismatch for weights of another architecture.
[[nodiscard]] Result<std::vector<std::byte>> import_model(const models::ModelFile& file,
                                                          std::span<const Part> originals);
/// The same for an original of one file.
[[nodiscard]] Result<std::vector<std::byte>> import_model(const models::ModelFile& file,
                                                          std::span<const std::byte> original);

/// The same for an original of one or more files.
/// A format of one file takes the first part.
/// @return also kInvalidArgument if a file is missing; kNotFound, with a list of what there is, if
/// there is nothing like `choice`.
[[nodiscard]] Result<std::vector<std::byte>> import_parts(std::string_view importer,
                                                          std::span<const Part> parts,
                                                          const Choice& choice = {});

/// Weights of a network that is not trained yet, as NumPy's .npz: what a state dict holds, by the
/// names that `pytorch:` ARCHITECTURE reads. They are the numbers that PyTorch draws after
/// torch.manual_seed(seed); for inception-resnet-v1 those of facenet-pytorch's
/// InceptionResnetV1(classify=True, num_classes=classes).
/// @param classes  of the classification head; 0 without one
/// @return kNotFound for an architecture that is not known, kInvalidArgument for more than a
/// million classes or a negative number.
[[nodiscard]] Result<std::vector<std::byte>> untrained(std::string_view architecture,
                                                       std::int64_t classes, std::uint32_t seed);

/// A tensor as the file declares it. -1 marks a free dimension.
struct TensorFacts {
  std::string name;
  std::string type;  ///< "float32", …
  std::vector<std::int64_t> shape;
};

/// A way in which a graph may be called.
struct SignatureFacts {
  std::string name;
  std::vector<TensorFacts> inputs;
  std::vector<TensorFacts> outputs;
};

/// One of the graphs that a file keeps side by side.
struct GraphFacts {
  std::vector<std::string> tags;
  std::vector<SignatureFacts> signatures;  ///< By their names.
};

/// The formats that are read: "ONNX", "PyTorch state dict", …
[[nodiscard]] std::span<const std::string_view> formats() noexcept;

struct Inspection {
  std::string format;    ///< One of `formats`.
  std::string producer;  ///< As the file states it; may be empty.
  std::string importer;  ///< That reads it; empty if the format does not say (see importers).
  std::vector<TensorFacts> inputs;  ///< Empty where the file holds no graph.
  std::vector<TensorFacts> outputs;
  std::vector<TensorFacts>
      weights;  ///< Of a state dict, of dlib's and of Caffe's; empty for the other formats.
  std::vector<std::string> signatures;  ///< Of a SavedModel: all that its graph can be called by.
  std::vector<GraphFacts> graphs;       ///< Of a SavedModel: all that it has.
  std::vector<std::string> importers;   ///< Of a state dict: which know an architecture like it.
  std::map<std::string, std::size_t> operators;  ///< How many of each kind.
  std::uint64_t parameters = 0;                  ///< Numbers in constants and weights.
};

/// What is inside a network's files; the format is told from their contents.
/// Without a choice, where only a choice would tell which network is meant, there are no inputs,
/// outputs and operators, but all graphs and signatures.
/// @return kDecodeFailed for what is none of the formats, or damaged; kNotFound as import_parts.
[[nodiscard]] Result<Inspection> inspect(std::span<const Part> parts, const Choice& choice = {});
[[nodiscard]] Result<Inspection> inspect(std::span<const std::byte> file);

}  // namespace visavis::modelkit
