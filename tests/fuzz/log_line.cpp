// A line of any log; the first byte says what is known of the log's clock.
#include "remediations/knowledge/logs/log_line.hpp"
#include "remediations/knowledge/agent/agent_version.hpp"
#include "remediations/knowledge/logs/line_prefix.hpp"
#include "remediations/knowledge/snapshot/freeze_failures.hpp"
#include "tests/fuzz/input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const auto time = std::chrono::system_clock::time_point(std::chrono::seconds(1795226400));
    remediations::LogClock clock;
    if ((data[0] & 1) != 0) clock.written = time;
    if ((data[0] & 2) != 0) clock.boot = time;
    clock.has_host = (data[0] & 4) != 0;
    const auto line = fuzz::text_of(data + 1, size - 1);
    const auto parts = remediations::parse_log_line(line, clock);
    fuzz::require(line.ends_with(parts.text));
    const auto shown = remediations::printable(parts.text);
    fuzz::require(shown.size() <= remediations::LogLine::longest_text);
    (void)remediations::parse_mount_failure({"x.log", 1, parts.time, shown});
    (void)remediations::agent_version_in(line);
    return 0;
}
