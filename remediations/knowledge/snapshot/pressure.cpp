#include "remediations/knowledge/snapshot/pressure.hpp"

#include <fmt/format.h>

#include <charconv>

#include "remediations/knowledge/extension/last_run.hpp"

namespace remediations {

namespace {

/// Returns the value of avg60 in "some avg10=0.00 avg60=1.25 avg300=0.40 total=123".
std::optional<double> last_minute(std::string_view text, std::string_view kind) {
    const auto line_start = text.starts_with(kind) ? 0 : text.find(fmt::format("\n{}", kind));
    if (line_start == std::string_view::npos) return std::nullopt;
    auto line = text.substr(line_start == 0 ? 0 : line_start + 1);
    line = line.substr(0, line.find('\n'));
    constexpr std::string_view label = " avg60=";
    const auto at = line.find(label);
    if (at == std::string_view::npos) return std::nullopt;
    const auto number = line.substr(at + label.size());
    double value = 0;
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value);
    const bool is_percentage = error == std::errc() && value >= 0 && value <= 100;
    return is_percentage ? std::optional(value) : std::nullopt;
}

}  // namespace

machine::Result<Pressure> parse_pressure(std::string_view text) {
    const auto some = last_minute(text, "some ");
    if (!some) {
        return machine::Error::invalid(
            fmt::format("expected 'some avg10=... avg60=<percent> ...', found '{:.100}'", text));
    }
    return Pressure{*some, last_minute(text, "full ").value_or(0)};
}

std::optional<Pressure> pressure_of(const machine::Machine& machine, const std::string& resource) {
    const auto text = machine.files().read("/proc/pressure/" + resource);
    if (!text) return std::nullopt;
    const auto pressure = parse_pressure(*text);
    return pressure ? std::optional(*pressure) : std::nullopt;
}

bool backups_are_in_question(const machine::Machine& machine, const Question& question) {
    return question.named || !question.error_code.empty() || machine.derived<LastRun>().is_failure();
}

}  // namespace remediations
