#include <sys/signalfd.h>
#include <systemd/sd-daemon.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <memory>
#include <string>
#include <utility>
#include <visavis/core/descriptor.hpp>
#include <visavis/core/file.hpp>
#include <visavis/server/server.hpp>

#include "config_file.hpp"
#include "places.hpp"
#include "table.hpp"
#include "verbs.hpp"
#include "workbench_options.hpp"

namespace visavis::cli {
namespace {

struct Serve {
  server::ServerOptions options;
  std::string config;
  bool print_config = false;
  std::string port_file;
  std::string first_key_file;
  std::string log_format = "text";
  double deadline_s = 20;
  double body_timeout_s = 30;
  double grace_s = 30;
  double max_image_mb = 20;
  double max_body_mb = 512;
  double max_import_mb = 2048;
  double max_megapixels = 50;
};

std::uint64_t mebibytes(double number) { return static_cast<std::uint64_t>(number * 1048576); }

/// Options that are spoken in people's units.
void convert(Serve& given) {
  using std::chrono::seconds;
  given.options.deadline = seconds(static_cast<int>(given.deadline_s));
  given.options.body_timeout = seconds(static_cast<int>(given.body_timeout_s));
  given.options.grace = seconds(static_cast<int>(given.grace_s));
  given.options.max_image_bytes = mebibytes(given.max_image_mb);
  given.options.max_body_bytes = mebibytes(given.max_body_mb);
  given.options.max_import_bytes = mebibytes(given.max_import_mb);
  given.options.analyser.max_bytes = given.options.max_image_bytes;
  given.options.analyser.max_pixels = static_cast<std::uint64_t>(given.max_megapixels * 1e6);
}

/// A descriptor that can be read from when the program is asked to end.
Descriptor end_signal() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // threads that come later inherit it
  return Descriptor(signalfd(-1, &signals, SFD_CLOEXEC));
}

std::string address_of(const Serve& given, std::uint16_t port) {
  const bool six = given.options.address.find(':') != std::string::npos;
  return (given.options.certificate.empty() ? "http://" : "https://") +
         (six ? "[" + given.options.address + "]" : given.options.address) + ":" +
         std::to_string(port);
}

void tell_first_key(Desk& desk, const Serve& given, const std::string& secret) {
  if (!given.first_key_file.empty()) {
    auto written = write_file(given.first_key_file, secret + "\n", Readers::kOwner);
    if (written) return desk.terminal.say("the first key is in " + given.first_key_file);
    desk.terminal.complain(written.error().message);
  }
  desk.terminal.print_now("The first key, told this once (tenant " + given.options.tenant +
                          ", scope admin): " + secret + "\n");
}

int run_serve(Desk& desk, Serve& given, CLI::App& verb) {
  if (auto applied = apply_config(verb, given.config); !applied)
    return usage(desk, applied.error());
  convert(given);
  if (given.print_config) {
    desk.terminal.print(config_text(verb));
    return kDone;
  }
  const Descriptor stop = end_signal();
  std::string url;
  server::ServerEvents events;
  events.listening = [&](std::uint16_t port) {
    url = address_of(given, port);
    desk.terminal.say("listening on " + url + "; the networks are being loaded");
    if (given.port_file.empty()) return;
    if (auto written = write_file(given.port_file, std::to_string(port) + "\n"); !written)
      desk.terminal.complain(written.error().message);
  };
  events.first_key = [&](const std::string& secret) { tell_first_key(desk, given, secret); };
  events.ready = [&](const usecases::RunFacts& run) {
    std::string what = describe(run);
    what.pop_back();  // a line's end
    desk.terminal.say("ready: " + url + "; " + what);
    sd_notify(0, "READY=1");
  };
  events.stopping = [] { sd_notify(0, "STOPPING=1"); };
  if (given.log_format == "json")
    events.log = [&](const std::string& line) { desk.terminal.say_line(line); };
  auto served =
      server::serve(desk.places, given.options, events, stop.get(), desk.terminal.log_sink());
  if (!served) return give_up(desk, served.error());
  return kDone;
}

void add_limits(CLI::App& verb, Serve& given) {
  server::ServerOptions& options = given.options;
  verb.add_option("--rate", options.rate, "Requests a second of one key, in the long run")
      ->check(finite())
      ->capture_default_str();
  verb.add_option("--burst", options.burst, "Requests of one key at once")
      ->check(finite())
      ->capture_default_str();
  verb.add_option("--max-requests", options.max_requests,
                  "Requests at once; whoever comes then is told to come again")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  verb.add_option("--max-connections", options.max_connections, "Connections at once")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  verb.add_option("--max-images", options.max_images, "Photos in one request")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  verb.add_option("--max-image-mb", given.max_image_mb, "Size of one photo's file, in MiB")
      ->check(CLI::Range(0.01, 1024.0))
      ->capture_default_str();
  verb.add_option("--max-megapixels", given.max_megapixels, "Size of one photo")
      ->check(CLI::Range(0.1, 1000.0))
      ->capture_default_str();
  verb.add_option("--max-body-mb", given.max_body_mb,
                  "Bodies of all requests that are being done, in MiB")
      ->check(CLI::Range(1.0, 65536.0))
      ->capture_default_str();
  verb.add_option("--max-import-mb", given.max_import_mb,
                  "Size of one archive that is imported, in MiB; of all four times as much")
      ->check(CLI::Range(1.0, 1048576.0))
      ->capture_default_str();
  verb.add_option("--body-timeout", given.body_timeout_s,
                  "Seconds for a request's body, and one more for each 64 KiB that came")
      ->check(CLI::Range(1.0, 3600.0))
      ->capture_default_str();
  verb.add_option("--deadline", given.deadline_s, "Seconds for a photo's turn")
      ->check(CLI::Range(1, 3600))
      ->capture_default_str();
  verb.add_option("--grace", given.grace_s, "Seconds for what runs when the server is to stop")
      ->check(CLI::Range(0, 3600))
      ->capture_default_str();
  verb.add_option("--batch", options.analyser.max_batch, "Photos in one pass through the networks")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  verb.add_option("--queue", options.analyser.max_waiting, "Photos that wait for a worker")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
}

}  // namespace

void add_serve_verb(VerbList& list) {
  auto given = std::make_shared<Serve>();
  CLI::App* verb = list.add(list.program, "serve", "Answers over HTTP and shows a web page",
                            "serve --data /var/lib/visavis --port 8080");
  server::ServerOptions& options = given->options;
  options.data = "visavis-data";
  options.web = find_web_page();
  verb->add_option("--config", given->config,
                   "TOML file of these options, by their names without --; what is typed or in "
                   "the environment (VISAVIS_PORT, …) counts more")
      ->type_name("FILE");
  verb->add_flag("--print-config", given->print_config,
                 "Print what would be served with, as such a file, and end");
  verb->add_option("--address", options.address, "IP address to listen on")->capture_default_str();
  verb->add_option("--port", options.port, "Port to listen on (0: one that is free)")
      ->capture_default_str();
  verb->add_option("--port-file", given->port_file, "Write the port to this file")
      ->type_name("FILE");
  verb->add_option("--first-key-file", given->first_key_file,
                   "Write the first key to this file, for its owner alone, instead of telling it")
      ->type_name("FILE");
  verb->add_option("--data", options.data, "Folder of galleries, keys and the audit log")
      ->type_name("DIR")
      ->capture_default_str();
  verb->add_option("--web", options.web, "Folder of the built web page")
      ->type_name("DIR")
      ->capture_default_str();
  verb->add_option("--certificate", options.certificate, "TLS: certificate chain, PEM")
      ->type_name("FILE");
  verb->add_option("--private-key", options.private_key, "TLS: its private key, PEM")
      ->type_name("FILE");
  verb->add_option("--key-file", options.gallery_key,
                   "Encrypts the galleries; `visavis gallery new-key` makes one")
      ->type_name("FILE");
  verb->add_option("--allow-url", options.allow_url,
                   "Fetch photos by URL from this host, *.HOST for those below it, or * for any; "
                   "never from addresses that are not public")
      ->type_name("HOST");
  verb->add_flag("--no-auth", options.no_auth,
                 "Asks for no keys: everybody may do everything; on loopback only");
  verb->add_flag("--faceall", options.faceall,
                 "Also answer FaceAll's clients, on a gallery of their own and without keys");
  verb->add_option("--tenant", options.tenant, "Of the first key, or of everybody without keys")
      ->capture_default_str();
  verb->add_option("--log-format", given->log_format,
                   "text: what matters; json: one line for each request, too")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  add_limits(*verb, *given);
  add_workbench_options(*verb, options.workbench, true);
  name_environment(*verb);
  list.verbs.push_back({.parser = verb, .run = [given, verb](Desk& desk) {
                          return run_serve(desk, *given, *verb);
                        }});
}

}  // namespace visavis::cli
