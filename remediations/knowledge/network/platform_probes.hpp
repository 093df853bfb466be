#pragma once

#include <array>
#include <cstdint>
#include <future>
#include <optional>
#include <string>

#include "remediations/model/remediation.hpp"

namespace remediations {

/// The Azure platform's address for guest agents, the same in every region; only root and SYSTEM
/// may reach it. https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
inline constexpr auto wire_server_address = "168.63.129.16";
/// The instance metadata service; anybody in the VM may ask it.
inline constexpr auto metadata_address = "169.254.169.254";

/// What the platform answers, asked of all its endpoints at once: whoever waits for one does not
/// wait for another, and the slowest takes no longer than one time limit.
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

/// The wire server's endpoints. The agent takes its orders from port 80, where the backup extension
/// asks for snapshots too; port 32526 takes its status and hands out packages.
class WireServerProbes {
public:
    explicit WireServerProbes(const machine::Machine& machine);

    struct Probe {
        std::uint16_t port = 80;
        std::string where;     ///< "168.63.129.16:80/?comp=versions"
        std::string used_for;  ///< "goal states and snapshots"
        PlatformProbes::Answer answer;

        /// What came back, as evidence.
        Evidence evidence() const;
    };

    const std::array<Probe, 3>& probes() const { return probes_; }

    /// Whether both ports answer, whatever they say.
    bool reachable() const { return !failure(); }

    /// Of the first port that does not answer.
    const Probe* failure() const;

    /// Why it is not known whether the wire server answers: the capture does not have it.
    std::optional<machine::Error> not_looked() const;

private:
    std::array<Probe, 3> probes_;
};

/// Asked anew, now: what a diagnosis saw can be over. `port` is 80 or 32526.
bool wire_server_answers_now(const machine::Machine& machine, std::uint16_t port);

/// The same of both ports: the first of them that does not answer.
std::optional<std::uint16_t> wire_server_port_without_answer(const machine::Machine& machine);

}  // namespace remediations
