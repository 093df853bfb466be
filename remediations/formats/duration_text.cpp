#include "remediations/formats/duration_text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace remediations {

std::string duration_text(std::chrono::system_clock::duration duration) {
    const auto minutes = std::max<std::int64_t>(0, std::chrono::duration_cast<std::chrono::minutes>(duration).count());
    if (minutes < 120) return fmt::format("{} minutes", minutes);
    if (minutes < 72 * 60) return fmt::format("{} hours", minutes / 60);
    return fmt::format("{} days", minutes / (24 * 60));
}

}  // namespace remediations
