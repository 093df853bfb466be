#pragma once

#include <chrono>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "remediations/model/failure.hpp"

namespace remediations {

/// What stays of a text when what differs from one occurrence to the next is masked: numbers, hexadecimal words, GUIDs,
/// times, versions, queries of addresses. Codes stay (errno, HTTP status, exit code, HRESULT), and names and paths: two
/// failures that differ in one of these have two reasons.
std::string shape_of(std::string_view text);

/// Failures of one log by shape, in bounded memory whatever the log holds.
class FailureCollector {
public:
    /// Of all logs: the most that are read have a collector of their own.
    static constexpr std::size_t most_shapes_in_all = 512;
    static constexpr std::size_t most_occurrences = 64;

    explicit FailureCollector(std::size_t most_shapes) : most_shapes_(most_shapes) {}

    struct Occurrence {
        std::optional<std::chrono::system_clock::time_point> time;
        std::uint64_t position = 0;
        std::uint64_t count = 1;  ///< more than one where neighbours were put together
    };
    struct Kept {
        Failure failure;  ///< its shape, count, position and times are kept up; the rest is the caller's
        std::vector<Occurrence> occurrences;  ///< as they stand in the log; at most most_occurrences
        bool zone_known = false;              ///< of the newest one's time
        bool is_event = false;                ///< the newest one is a record "Event: ..." of the guest agent
        bool never_concerns_backup = false;
        int topic = 0;  ///< the caller's
    };

    /// The failure of this shape, a new one where there was none, with one occurrence more. Of too many shapes the one
    /// that occurred longest ago makes room.
    Kept& add(std::string_view shape, const Occurrence& occurrence);
    /// nullptr where there is none yet.
    Kept* find(std::string_view shape);

    const std::list<Kept>& failures() const { return kept_; }
    std::list<Kept>& failures() { return kept_; }  ///< that which occurred longest ago first
    std::uint64_t dropped() const { return dropped_; }

private:
    std::size_t most_shapes_;
    std::list<Kept> kept_;
    std::unordered_map<std::string_view, std::list<Kept>::iterator> by_shape_;  // the keys are the failures' own
    std::uint64_t dropped_ = 0;
};

}  // namespace remediations
