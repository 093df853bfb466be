#pragma once

#include <array>
#include <cstdint>
#include <future>
#include <optional>
#include <string>

#include "remediations/model/remediation.hpp"

namespace remediations {

/// The address of the Azure platform for guest agents, the same in every region. Only root and SYSTEM may reach it.
/// https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
inline constexpr auto wire_server_address = "168.63.129.16";
/// The address of the instance metadata service. Everybody in the VM may ask it.
inline constexpr auto metadata_address = "169.254.169.254";

/// The answers of the platform's endpoints. All are asked at the same time, so that the wait for one does not add to
/// the wait for another, and all together take no longer than one time limit.
class PlatformProbes {
public:
    using Answer = machine::Result<machine::HttpResponse>;

    explicit PlatformProbes(const machine::Machine& machine);

    Answer goal_states() const { return goal_states_.get(); }  ///< port 80 of the wire server
    Answer versions() const { return versions_.get(); }        ///< the host plugin, port 32526
    Answer health() const { return health_.get(); }            ///< the host plugin, port 32526
    Answer metadata() const { return metadata_.get(); }

private:
    std::shared_future<Answer> goal_states_;
    std::shared_future<Answer> versions_;
    std::shared_future<Answer> health_;
    std::shared_future<Answer> metadata_;
};

/// The endpoints of the wire server. Port 80 gives the agent its goal states, and the backup extension asks it for
/// snapshots. Port 32526 takes the agent's status and delivers packages.
class WireServerProbes {
public:
    explicit WireServerProbes(const machine::Machine& machine);

    struct Probe {
        std::uint16_t port = 80;
        std::string where;     ///< "168.63.129.16:80/?comp=versions"
        std::string used_for;  ///< "goal states and snapshots"
        PlatformProbes::Answer answer;

        /// Returns the answer as evidence.
        Evidence evidence() const;
    };

    const std::array<Probe, 3>& probes() const { return probes_; }

    /// Returns true if both ports answer, whatever the answer is.
    bool reachable() const { return !failure(); }

    /// Returns the first probe without an answer; nullptr where all have one.
    const Probe* failure() const;

    /// Returns an error where this is not known because the capture does not have the answers; nullopt otherwise.
    std::optional<machine::Error> not_looked() const;

private:
    std::array<Probe, 3> probes_;
};

/// Asked anew, now: what a diagnosis saw can be over. `port` is 80 or 32526.
bool wire_server_answers_now(const machine::Machine& machine, std::uint16_t port);

/// The same of both ports: the first of them that does not answer.
std::optional<std::uint16_t> wire_server_port_without_answer(const machine::Machine& machine);

}  // namespace remediations
