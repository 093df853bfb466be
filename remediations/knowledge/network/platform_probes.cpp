#include "remediations/knowledge/network/platform_probes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>

namespace remediations {

using machine::ErrorKind;

namespace {

constexpr auto probe_time_limit = std::chrono::milliseconds(2000);

/// The oldest version that has shared disks and the security type. Every host supports it.
constexpr auto metadata_path = "/metadata/instance?api-version=2021-12-13";

std::shared_future<PlatformProbes::Answer> ask(const machine::Machine& machine, machine::HttpRequest request) {
    request.timeout = probe_time_limit;
    // The network outlives the machine's derived values, and moves with the machine without changing its place.
    const auto& network = machine.network();
    const auto get = [&network, request = std::move(request)] { return network.get(request); };
    try {
        return std::async(std::launch::async, get).share();
    } catch (const std::system_error&) {
        return std::async(std::launch::deferred, get).share();  // no thread to be had: one after the other
    }
}

std::string described(const PlatformProbes::Answer& answer) {
    if (answer) return fmt::format("HTTP {}", answer->status);
    switch (answer.error().kind) {
        case ErrorKind::refused:
            return "connection refused";
        case ErrorKind::timed_out:
            return fmt::format("no answer within {} s", probe_time_limit.count() / 1000);
        case ErrorKind::unreachable:
            return "unreachable: no route, or a firewall rejects the packets";
        default:
            return answer.error().message;
    }
}

}  // namespace

PlatformProbes::PlatformProbes(const machine::Machine& machine)
    : goal_states_(ask(machine, {.host = wire_server_address, .port = 80, .path = "/?comp=versions", .headers = {}})),
      versions_(ask(machine, {.host = wire_server_address, .port = 32526, .path = "/versions", .headers = {}})),
      health_(ask(machine, {.host = wire_server_address, .port = 32526, .path = "/health", .headers = {}})),
      metadata_(ask(
          machine, {.host = metadata_address, .port = 80, .path = metadata_path, .headers = {{"Metadata", "true"}}})) {}

WireServerProbes::WireServerProbes(const machine::Machine& machine)
    : probes_{{{80, fmt::format("{}:80/?comp=versions", wire_server_address), "goal states and snapshots",
                machine.derived<PlatformProbes>().goal_states()},
               {32526, fmt::format("{}:32526/versions", wire_server_address), "status and packages",
                machine.derived<PlatformProbes>().versions()},
               {32526, fmt::format("{}:32526/health", wire_server_address), "status and packages",
                machine.derived<PlatformProbes>().health()}}} {}

Evidence WireServerProbes::Probe::evidence() const {
    constexpr int ok = 200;
    return {where, described(answer), answer && answer->status != ok ? "HTTP 200" : "an HTTP answer"};
}

const WireServerProbes::Probe* WireServerProbes::failure() const {
    // The health of the host plugin is told by its content; whether it answers, by its versions.
    const auto* const last = probes_.begin() + 2;
    const auto* const failed = std::find_if(probes_.begin(), last, [](const Probe& probe) { return !probe.answer; });
    return failed == last ? nullptr : failed;
}

std::optional<machine::Error> WireServerProbes::not_looked() const {
    const auto* const probe = failure();
    if (probe && probe->answer.error().kind == ErrorKind::not_captured) return probe->answer.error();
    return std::nullopt;
}

bool wire_server_answers_now(const machine::Machine& machine, std::uint16_t port) {
    const auto* const path = port == 80 ? "/?comp=versions" : "/versions";
    return machine.network()
        .get({.host = wire_server_address, .port = port, .path = path, .headers = {}, .timeout = probe_time_limit})
        .has_value();
}

std::optional<std::uint16_t> wire_server_port_without_answer(const machine::Machine& machine) {
    for (const auto port : {std::uint16_t{80}, std::uint16_t{32526}}) {
        if (!wire_server_answers_now(machine, port)) return port;
    }
    return std::nullopt;
}

}  // namespace remediations
