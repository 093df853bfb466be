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

/// Returns a text in which everything that differs from one occurrence to the next is masked: numbers, hexadecimal
/// words, GUIDs, times, versions, queries of addresses. Keeps codes (errno, HTTP status, exit code, HRESULT), names and
/// paths: failures that differ in these have different reasons.
std::string shape_of(std::string_view text);

/// Collects the failures of one log by shape. Its memory is bounded, whatever the log contains.
class FailureCollector {
public:
    /// The limit for all logs together; the logs with the most failures have a collector of their own.
    static constexpr std::size_t most_shapes_in_all = 512;
    static constexpr std::size_t most_occurrences = 64;

    explicit FailureCollector(std::size_t most_shapes) : most_shapes_(most_shapes) {}

    struct Occurrence {
        std::optional<std::chrono::system_clock::time_point> time;
        std::uint64_t position = 0;
        std::uint64_t count = 1;  ///< more than one where neighbouring occurrences were merged
    };
    struct Kept {
        Failure failure;  ///< its shape, count, position and times are updated here; the rest belongs to the caller
        std::vector<Occurrence> occurrences;  ///< in the order of the log; at most most_occurrences
        bool zone_known = false;              ///< of the time of the newest one
        bool is_event = false;                ///< the newest one is a record "Event: ..." of the guest agent
        bool never_concerns_backup = false;
        int topic = 0;  ///< belongs to the caller
    };

    /// Adds an occurrence and returns the failure of this shape, which is created if necessary. Where there are too
    /// many shapes, removes the one whose last occurrence is oldest.
    Kept& add(std::string_view shape, const Occurrence& occurrence);
    /// Returns nullptr where there is none.
    Kept* find(std::string_view shape);

    const std::list<Kept>& failures() const { return kept_; }
    std::list<Kept>& failures() { return kept_; }  ///< the one whose last occurrence is oldest comes first
    std::uint64_t dropped() const { return dropped_; }

private:
    std::size_t most_shapes_;
    std::list<Kept> kept_;
    std::unordered_map<std::string_view, std::list<Kept>::iterator> by_shape_;  // the keys are the failures' own
    std::uint64_t dropped_ = 0;
};

}  // namespace remediations
