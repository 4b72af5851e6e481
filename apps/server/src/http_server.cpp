#include "http_server.hpp"

#include <algorithm>
#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <list>
#include <span>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include "target.hpp"

namespace visavis::server {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using beast::error_code;
using Plain = beast::tcp_stream;
using Secure = beast::ssl_stream<beast::tcp_stream>;
using Parser = http::request_parser<http::string_body>;
using std::chrono::steady_clock;

constexpr std::uint32_t kMaxHead = 16U << 10U;
constexpr std::uint64_t kPiece = 256U << 10U;          ///< Of a body that is passed on as it comes.
constexpr std::uint64_t kBytesPerSecond = 64U << 10U;  ///< The slowest client that is waited for.
constexpr std::size_t kReadAtOnce = 64U << 10U;

auto quietly(error_code& error) { return asio::redirect_error(asio::use_awaitable, error); }

/// @return nothing for a target that is no path
std::optional<Request> request_of(const Parser& parser, const std::string& remote) {
  const auto& message = parser.get();
  Request request;
  request.method = message.method_string();
  if (!split_target({message.target().data(), message.target().size()}, request))
    return std::nullopt;
  for (const auto& field : message)
    request.fields.insert_or_assign(lower({field.name_string().data(), field.name_string().size()}),
                                    std::string(field.value().data(), field.value().size()));
  if (const auto length = parser.content_length()) request.length = *length;
  request.has_body = parser.chunked() || (request.length && *request.length > 0);
  request.remote = remote;
  return request;
}

}  // namespace

struct HttpServer::Impl {
  Impl(const HttpOptions& given, HttpHandlers handles, LogSink log_sink)
      : options(given),
        handlers(std::move(handles)),
        sink(std::move(log_sink)),
        workers(given.max_requests) {}

  HttpOptions options;
  HttpHandlers handlers;
  LogSink sink;
  asio::io_context io{1};
  asio::thread_pool workers;
  std::optional<asio::ssl::context> tls;
  tcp::acceptor acceptor{io};
  std::uint16_t port = 0;
  std::atomic<std::size_t> connections = 0;
  std::atomic<std::size_t> requests = 0;
  // What follows belongs to the thread in `run`.
  std::uint64_t body_bytes = 0;
  bool stopping = false;
  std::list<beast::tcp_stream*> idle;  ///< Between two requests.

  Result<void> listen();
  asio::awaitable<void> accept();
  asio::awaitable<void> serve(tcp::socket socket);
  template <class Stream>
  asio::awaitable<void> converse(Stream& stream, std::string remote);
  template <class Stream>
  asio::awaitable<bool> one_request(Stream& stream, beast::flat_buffer& buffer,
                                    const std::string& remote);
  template <class Stream>
  asio::awaitable<Response> done(Stream& stream, beast::flat_buffer& buffer, Parser& parser,
                                 Request& request, bool& whole);
  template <class Stream>
  asio::awaitable<std::optional<Response>> read_body(Stream& stream, beast::flat_buffer& buffer,
                                                     Parser& parser, Request& request,
                                                     const Admission& admission);
  template <class Stream>
  asio::awaitable<std::optional<Response>> pass_body_on(Stream& stream, beast::flat_buffer& buffer,
                                                        Parser& parser, Request& request,
                                                        const Admission& admission);
  [[nodiscard]] steady_clock::time_point body_due(steady_clock::time_point start,
                                                  std::uint64_t came) const;
  [[nodiscard]] Response too_large(const Request& request, std::uint64_t most) const;
  [[nodiscard]] std::optional<Response> broken_body(const Request& request, const error_code& error,
                                                    bool late, std::uint64_t most) const;
  template <class Stream>
  asio::awaitable<bool> send(Stream& stream, const Request& request, Response response,
                             bool keep_alive, unsigned version);
  template <class Stream>
  asio::awaitable<error_code> read_head(Stream& stream, beast::flat_buffer& buffer, Parser& parser);
  template <class Stream>
  asio::awaitable<void> linger(Stream& stream);
  asio::awaitable<void> end();
};

namespace {

/// Ends reads that take too long. Beast's own expiry closes the connection, on which an answer is
/// still to go.
class Patience {
 public:
  Patience(asio::io_context& io, beast::tcp_stream& stream)
      : timer_(io), state_(std::make_shared<State>(&stream)) {
    stream.expires_never();
  }
  ~Patience() { state_->stream = nullptr; }
  Patience(const Patience&) = delete;
  Patience& operator=(const Patience&) = delete;

  void until(steady_clock::time_point end) {
    state_->over = false;
    timer_.expires_at(end);
    timer_.async_wait([state = state_, turn = ++state_->turn](const error_code& error) {
      if (error || state->stream == nullptr || turn != state->turn) return;
      state->over = true;
      state->stream->cancel();
    });
  }
  [[nodiscard]] bool is_over() const noexcept { return state_->over; }

 private:
  struct State {
    explicit State(beast::tcp_stream* which) : stream(which) {}
    beast::tcp_stream* stream;
    std::uint64_t turn = 0;
    bool over = false;
  };
  asio::steady_timer timer_;
  std::shared_ptr<State> state_;  ///< The timer's too, which may have gone off already.
};

/// Counts up while it lives.
template <class Number>
class Held {
 public:
  Held(Number& number, std::uint64_t amount) : number_(number), amount_(amount) {
    number_ += static_cast<std::size_t>(amount);
  }
  ~Held() { number_ -= static_cast<std::size_t>(amount_); }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;

 private:
  Number& number_;
  std::uint64_t amount_;
};

}  // namespace

Result<void> HttpServer::Impl::listen() {
  error_code error;
  const auto address = asio::ip::make_address(options.address, error);
  if (error)
    return fail(ErrorCode::kInvalidArgument, options.address + " is no IP address to listen on");
  if (!options.certificate.empty()) {
    tls.emplace(asio::ssl::context::tls_server);
    SSL_CTX_set_min_proto_version(tls->native_handle(), TLS1_2_VERSION);
    error = tls->use_certificate_chain_file(options.certificate.string(), error);
    if (error)
      return fail(ErrorCode::kInvalidArgument,
                  "the certificate cannot be used: " + error.message());
    error = tls->use_private_key_file(options.private_key.string(), asio::ssl::context::pem, error);
    if (error)
      return fail(ErrorCode::kInvalidArgument,
                  "the private key cannot be used: " + error.message());
    if (SSL_CTX_check_private_key(tls->native_handle()) != 1)
      return fail(ErrorCode::kInvalidArgument, "the private key is not the certificate's");
  }
  const tcp::endpoint endpoint(address, options.port);
  error = acceptor.open(endpoint.protocol(), error);
  if (!error) error = acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) error = acceptor.bind(endpoint, error);
  if (!error) error = acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error)
    return fail(ErrorCode::kUnavailable, "port " + std::to_string(options.port) + " of " +
                                             options.address +
                                             " cannot be listened on: " + error.message());
  port = acceptor.local_endpoint().port();
  return {};
}

asio::awaitable<void> HttpServer::Impl::accept() {
  while (!stopping) {
    error_code error;
    tcp::socket socket = co_await acceptor.async_accept(quietly(error));
    if (stopping || error == asio::error::operation_aborted) co_return;
    if (error) {  // out of file descriptors, say: others will be given back
      asio::steady_timer pause(io, std::chrono::milliseconds(100));
      co_await pause.async_wait(quietly(error));
      continue;
    }
    asio::co_spawn(io, serve(std::move(socket)), asio::detached);
  }
}

asio::awaitable<void> HttpServer::Impl::serve(tcp::socket socket) {
  const Held counted(connections, 1);
  error_code error;
  const auto peer = socket.remote_endpoint(error);
  const std::string remote = error ? "unknown" : peer.address().to_string();
  error = socket.set_option(tcp::no_delay(true), error);
  beast::tcp_stream plain(std::move(socket));
  if (!tls) {
    co_await converse(plain, remote);
    error = plain.socket().shutdown(tcp::socket::shutdown_both, error);
    co_return;
  }
  Secure secure(std::move(plain), *tls);
  beast::get_lowest_layer(secure).expires_after(options.idle);
  co_await secure.async_handshake(asio::ssl::stream_base::server, quietly(error));
  if (error) co_return;
  co_await converse(secure, remote);
  beast::get_lowest_layer(secure).expires_after(std::chrono::seconds(1));
  co_await secure.async_shutdown(quietly(error));
}

template <class Stream>
asio::awaitable<void> HttpServer::Impl::converse(Stream& stream, std::string remote) {
  beast::flat_buffer buffer;
  if (connections > options.max_connections) {
    Request nothing;
    nothing.remote = remote;
    co_await send(stream, nothing,
                  handlers.refuse(nothing, 503, "too many connections; try again soon"), false, 11);
    co_return;
  }
  while (!stopping && co_await one_request(stream, buffer, remote)) {
  }
}

template <class Stream>
asio::awaitable<error_code> HttpServer::Impl::read_head(Stream& stream, beast::flat_buffer& buffer,
                                                        Parser& parser) {
  beast::tcp_stream& lowest = beast::get_lowest_layer(stream);
  lowest.expires_after(options.idle);
  const auto place = idle.insert(idle.end(), &lowest);
  error_code error;
  co_await http::async_read_header(stream, buffer, parser, quietly(error));
  idle.erase(place);
  co_return error;
}

/// @return whether another request may follow on the connection
template <class Stream>
asio::awaitable<bool> HttpServer::Impl::one_request(Stream& stream, beast::flat_buffer& buffer,
                                                    const std::string& remote) {
  Parser parser;
  parser.header_limit(kMaxHead);
  parser.body_limit(boost::none);  // the routes say, when the head is known
  const error_code error = co_await read_head(stream, buffer, parser);
  Request request;
  request.remote = remote;
  if (error) {
    if (error == http::error::header_limit || error == http::error::buffer_overflow)
      co_await send(stream, request,
                    handlers.refuse(request, 431, "the request's head is too long"), false, 11);
    else if (error.category() == make_error_code(http::error::bad_method).category() &&
             error != http::error::end_of_stream && error != http::error::partial_message)
      co_await send(stream, request, handlers.refuse(request, 400, "that is no HTTP request"),
                    false, 11);
    else if (stopping && parser.got_some())
      co_await send(stream, request, handlers.refuse(request, 503, "the server is shutting down"),
                    false, 11);
    co_await linger(stream);
    co_return false;
  }
  const unsigned version = parser.get().version();
  const bool keep_alive = parser.get().keep_alive();
  const auto start = steady_clock::now();
  auto understood = request_of(parser, remote);
  if (!understood) {
    co_await send(stream, request, handlers.refuse(request, 400, "the request's target is no path"),
                  false, version);
    co_return false;
  }
  request = *std::move(understood);
  bool whole = true;  // the body has been read, so that the next request can be
  const Held counted(requests, 1);
  Response response = co_await done(stream, buffer, parser, request, whole);
  const unsigned status = response.status;
  const std::uint64_t bytes = response.body.size();
  const bool more = keep_alive && whole && !stopping;
  const bool sent = co_await send(stream, request, std::move(response), more, version);
  handlers.done(request, status, bytes,
                std::chrono::duration<double>(steady_clock::now() - start).count());
  if (!whole) co_await linger(stream);
  co_return sent&& more;
}

/// Time is earned by bytes, so that one who sends none is not waited for, whatever was announced.
steady_clock::time_point HttpServer::Impl::body_due(steady_clock::time_point start,
                                                    std::uint64_t came) const {
  return start + options.body + std::chrono::seconds(came / kBytesPerSecond);
}

Response HttpServer::Impl::too_large(const Request& request, std::uint64_t most) const {
  return handlers.refuse(request, 413,
                         "the request's body has more than " + std::to_string(most) + " bytes");
}

/// The answer to a body that did not come; nothing without an error.
std::optional<Response> HttpServer::Impl::broken_body(const Request& request,
                                                      const error_code& error, bool late,
                                                      std::uint64_t most) const {
  if (!error) return std::nullopt;
  if (error == http::error::body_limit) return too_large(request, most);
  if (late) return handlers.refuse(request, 408, "the request's body did not come in time");
  return handlers.refuse(request, 400, "the request's body is not whole");
}

template <class Stream>
asio::awaitable<std::optional<Response>> HttpServer::Impl::read_body(Stream& stream,
                                                                     beast::flat_buffer& buffer,
                                                                     Parser& parser,
                                                                     Request& request,
                                                                     const Admission& admission) {
  parser.body_limit(admission.max_body);
  const auto start = steady_clock::now();
  Patience patience(io, beast::get_lowest_layer(stream));
  error_code error;
  while (!error && !parser.is_done()) {
    patience.until(body_due(start, parser.get().body().size()));
    buffer.reserve(kReadAtOnce);  // Beast reads as much as there is room, else by 512 bytes
    co_await http::async_read_some(stream, buffer, parser, quietly(error));
  }
  buffer.shrink_to_fit();
  request.body = std::move(parser.get().body());
  co_return broken_body(request, error, patience.is_over(), admission.max_body);
}

/// A body of any size, of which a piece is in memory.
template <class Stream>
asio::awaitable<std::optional<Response>> HttpServer::Impl::pass_body_on(
    Stream& stream, beast::flat_buffer& buffer, Parser& parser, Request& request,
    const Admission& admission) {
  http::request_parser<http::buffer_body> pieces(std::move(parser));
  pieces.body_limit(admission.max_body);
  std::vector<std::byte> piece(kPiece);
  const auto start = steady_clock::now();
  Patience patience(io, beast::get_lowest_layer(stream));
  for (std::uint64_t came = 0; !pieces.is_done();) {
    auto& body = pieces.get().body();
    body.data = piece.data();
    body.size = piece.size();
    patience.until(body_due(start, came));
    buffer.reserve(kReadAtOnce);
    error_code error;
    co_await http::async_read(stream, buffer, pieces, quietly(error));
    if (error == http::error::need_buffer) error = {};
    if (auto refusal = broken_body(request, error, patience.is_over(), admission.max_body))
      co_return refusal;
    const auto some = std::span<const std::byte>(piece).first(piece.size() - body.size);
    came += some.size();
    auto refusal = co_await asio::co_spawn(
        workers,
        [&admission, some]() -> asio::awaitable<std::optional<Response>> {
          co_return admission.receive(some);
        },
        asio::use_awaitable);
    if (refusal) co_return refusal;
  }
  buffer.shrink_to_fit();
  co_return std::nullopt;
}

/// Reads the body, if the request is to be done, and has it done.
template <class Stream>
asio::awaitable<Response> HttpServer::Impl::done(Stream& stream, beast::flat_buffer& buffer,
                                                 Parser& parser, Request& request, bool& whole) {
  Admission admission = handlers.admit(request);
  whole = !request.has_body;
  if (admission.refusal) co_return *std::move(admission.refusal);
  if (request.length && *request.length > admission.max_body)
    co_return too_large(request, admission.max_body);
  const bool overloaded = requests > options.max_requests;
  const std::uint64_t in_memory =
      admission.receive ? kPiece : request.length.value_or(admission.max_body);
  const std::uint64_t reserved = request.has_body ? in_memory : 0;
  if (!admission.at_once && (overloaded || body_bytes + reserved > options.max_body_bytes))
    co_return handlers.refuse(request, 503, "the server is busy; try again soon");
  const Held memory(body_bytes, reserved);
  error_code error;
  if (request.has_body) {
    if (lower(request.field("expect")) == "100-continue") {
      http::response<http::empty_body> go_on(http::status::continue_, 11);
      co_await http::async_write(stream, go_on, quietly(error));
    }
    std::optional<Response> refusal;
    if (admission.receive)
      refusal = co_await pass_body_on(stream, buffer, parser, request, admission);
    else
      refusal = co_await read_body(stream, buffer, parser, request, admission);
    if (refusal) co_return *std::move(refusal);
    whole = true;
  }
  beast::get_lowest_layer(stream).expires_never();
  if (admission.at_once) co_return admission.answer(request);
  co_return co_await asio::co_spawn(
      workers,
      [&admission, &request]() -> asio::awaitable<Response> {
        co_return admission.answer(request);
      },
      asio::use_awaitable);
}

template <class Body>
static void describe(http::response<Body>& message, const Response& response, bool keep_alive) {
  message.set(http::field::server, "visavis");
  if (!response.type.empty()) message.set(http::field::content_type, response.type);
  for (const auto& [name, value] : response.fields) message.set(name, value);
  message.keep_alive(keep_alive);
}

template <class Stream>
asio::awaitable<bool> HttpServer::Impl::send(Stream& stream, const Request& request,
                                             Response response, bool keep_alive, unsigned version) {
  error_code error;
  const auto patience = [&](std::uint64_t bytes) {
    beast::get_lowest_layer(stream).expires_after(options.body +
                                                  std::chrono::seconds(bytes / kBytesPerSecond));
  };
  if (!response.file.empty()) {
    http::file_body::value_type file;
    file.open(response.file.c_str(), beast::file_mode::scan, error);
    std::error_code ignored;
    std::filesystem::remove(response.file, ignored);  // it stays readable until it is closed
    if (error) {
      response = handlers.refuse(request, 503, "the answer's file cannot be read; try again");
    } else {
      http::response<http::file_body> message(static_cast<http::status>(response.status), version);
      describe(message, response, keep_alive);
      message.body() = std::move(file);
      message.prepare_payload();
      patience(message.body().size());
      co_await http::async_write(stream, message, quietly(error));
      co_return !error;
    }
  }
  http::response<http::string_body> message(static_cast<http::status>(response.status), version);
  describe(message, response, keep_alive);
  patience(response.body.size());
  if (request.method == "HEAD") {  // all but the body
    message.content_length(response.body.size());
    http::response_serializer<http::string_body> head(message);
    co_await http::async_write_header(stream, head, quietly(error));
    co_return !error;
  }
  message.body() = std::move(response.body);
  const bool has_body = response.status != 204 && response.status != 304;
  if (has_body) message.prepare_payload();
  co_await http::async_write(stream, message, quietly(error));
  co_return !error;
}

/// Before a connection is closed on somebody who still sends: what comes is read and dropped for a
/// while, else the answer would be lost with the connection's reset.
template <class Stream>
asio::awaitable<void> HttpServer::Impl::linger(Stream& stream) {
  beast::tcp_stream& lowest = beast::get_lowest_layer(stream);
  error_code error;
  if constexpr (std::is_same_v<Stream, Plain>)
    error = lowest.socket().shutdown(tcp::socket::shutdown_send, error);
  std::array<char, 16384> scratch{};
  lowest.expires_after(std::chrono::seconds(5));  // for all of it
  while (!error) co_await stream.async_read_some(asio::buffer(scratch), quietly(error));
}

/// What runs is let finish; who waits for nothing is let go.
asio::awaitable<void> HttpServer::Impl::end() {
  stopping = true;
  error_code error;
  error = acceptor.close(error);
  for (beast::tcp_stream* stream : idle) stream->cancel();
  const auto until = steady_clock::now() + options.grace;
  asio::steady_timer timer(io);
  while (connections > 0 && steady_clock::now() < until) {
    timer.expires_after(std::chrono::milliseconds(10));
    co_await timer.async_wait(quietly(error));
  }
  io.stop();
}

Result<std::unique_ptr<HttpServer>> HttpServer::bind(const HttpOptions& options,
                                                     HttpHandlers handlers, const LogSink& sink) {
  auto impl = std::make_unique<Impl>(options, std::move(handlers), sink);
  VISAVIS_CHECK(impl->listen());
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

HttpServer::HttpServer(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
HttpServer::~HttpServer() = default;

std::uint16_t HttpServer::port() const noexcept { return impl_->port; }
HttpCounts HttpServer::counts() const noexcept {
  return {.connections = impl_->connections, .requests = impl_->requests};
}

void HttpServer::run() {
  asio::co_spawn(impl_->io, impl_->accept(), asio::detached);
  impl_->io.run();
  impl_->workers.join();
}

void HttpServer::stop() { asio::co_spawn(impl_->io, impl_->end(), asio::detached); }

}  // namespace visavis::server
