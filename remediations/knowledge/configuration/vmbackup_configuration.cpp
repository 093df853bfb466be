#include "remediations/knowledge/configuration/vmbackup_configuration.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/algorithm/string/case_conv.hpp>
#include <boost/algorithm/string/classification.hpp>
#include <boost/algorithm/string/join.hpp>
#include <boost/algorithm/string/replace.hpp>
#include <boost/algorithm/string/split.hpp>
#include <charconv>

namespace remediations {

using machine::ErrorKind;
using machine::Result;

namespace {

/// Returns the lines, each with its end.
std::vector<std::string> whole_lines(const std::string& text) {
    std::vector<std::string> lines;
    for (std::size_t start = 0; start < text.size();) {
        const auto end = std::min(text.find('\n', start), text.size() - 1);
        lines.push_back(text.substr(start, end - start + 1));
        start = end + 1;
    }
    return lines;
}

/// Returns the white space before the first option or header from `line` on; empty without one. A line that is indented
/// less than the next one would take that one as the continuation of its value.
template <class Line>
std::string indentation_from(Line line, Line end) {
    for (; line != end; ++line) {
        const auto text = python_strip(*line);
        if (text.empty() || text.starts_with('#') || text.starts_with(';')) continue;
        return line->substr(0, static_cast<std::size_t>(text.data() - line->data()));
    }
    return {};
}

}  // namespace

std::optional<long> python_integer(std::string_view text) {
    text = python_strip(text);
    std::string digits;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const bool between_digits = at > 0 && at + 1 < text.size() && text[at - 1] != '_' && digits != "-";
        if (text[at] == '_' && between_digits && !digits.empty()) continue;
        if (text[at] == '+' && at == 0 && text.size() > 1) continue;
        digits += text[at];
    }
    long number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    const bool whole = error == std::errc() && end == digits.data() + digits.size();
    return whole && !text.starts_with("+-") ? std::optional(number) : std::nullopt;
}

Result<VmBackupConfiguration> VmBackupConfiguration::read(const machine::Machine& machine) {
    auto bytes = machine.files().read(path);
    if (bytes) return VmBackupConfiguration(std::move(*bytes));
    if (bytes.error().kind == ErrorKind::not_found) return VmBackupConfiguration(std::nullopt);
    return bytes.error();
}

VmBackupConfiguration::VmBackupConfiguration(const std::optional<std::string>& bytes)
    : exists_(bytes.has_value()),
      encoding_(examine_encoding(bytes.value_or(""))),
      text_(encoding_.text.value_or("")),
      python_(text_) {}

bool VmBackupConfiguration::is_readable() const {
    return encoding_.fault == TextEncoding::Fault::none && python_.problems().empty();
}

std::string VmBackupConfiguration::text_of(std::string_view key, const std::string& otherwise) const {
    if (!is_readable()) return otherwise;
    const auto value = python_.get(section, key).value_or("");
    return value.empty() ? otherwise : value;
}

long VmBackupConfiguration::integer_of(std::string_view key, long otherwise) const {
    return python_integer(text_of(key, "")).value_or(otherwise);
}

std::vector<std::string> VmBackupConfiguration::mounts_to_skip() const {
    const auto value = text_of("MountsToSkip", "");
    std::vector<std::string> pieces;
    if (!value.empty()) boost::algorithm::split(pieces, value, boost::is_any_of(","));
    return pieces;
}

bool VmBackupConfiguration::skips(std::string_view mount_point) const {
    const auto pieces = mounts_to_skip();
    return mount_point != "/" && std::ranges::find(pieces, mount_point) != pieces.end();
}

std::string VmBackupConfiguration::with_setting(std::string_view key, const std::string& value) const {
    const auto setting = fmt::format("{} = {}\n", key, boost::algorithm::replace_all_copy(value, "%", "%%"));
    auto lines = whole_lines(text_);
    if (!lines.empty() && !lines.back().ends_with('\n')) lines.back() += '\n';
    const auto header = python_.sections().find(section);
    if (header == python_.sections().end()) {
        if (!lines.empty()) lines.emplace_back("\n");
        lines.push_back(fmt::format("[{}]\n", section));
        lines.push_back(setting);
        return boost::algorithm::join(lines, "");
    }
    const auto lower = boost::algorithm::to_lower_copy(std::string(key));
    const auto option = std::ranges::find_if(
        python_.options(), [&](const auto& each) { return each.section == section && each.key == lower; });
    const bool is_new = option == python_.options().end();
    const auto first = lines.begin() + static_cast<std::ptrdiff_t>(is_new ? header->second : option->first_line - 1);
    const auto last = is_new ? first : lines.begin() + static_cast<std::ptrdiff_t>(option->last_line);
    const auto indentation = indentation_from(first, lines.end());
    lines.insert(lines.erase(first, last), indentation + setting);
    return boost::algorithm::join(lines, "");
}

Result<void> set_vmbackup_setting(Changes& changes, std::string_view key, const std::string& value) {
    const auto configuration = VmBackupConfiguration::read(changes.machine());
    if (!configuration) return configuration.error();
    if (!configuration->is_readable()) {
        return machine::Error::invalid(
            fmt::format("{} cannot be read by the backup extension; correct that first", VmBackupConfiguration::path));
    }
    // The extension makes the folder when it is installed; it may be gone since.
    const machine::Path folder = "/etc/azure";
    const auto status = changes.machine().files().status(folder);
    if (!status && status.error().kind == ErrorKind::not_found) {
        if (auto made = changes.create_folder(folder, 0755); !made) return made;
    }
    return changes.write_file(VmBackupConfiguration::path, configuration->with_setting(key, value), 0644);
}

Result<void> skip_mounts(Changes& changes, const std::vector<std::string>& mount_points) {
    const auto configuration = VmBackupConfiguration::read(changes.machine());
    if (!configuration) return configuration.error();
    auto entries = configuration->mounts_to_skip();
    for (const auto& mount_point : mount_points) {
        if (mount_point.find_first_of(",\n\r") != std::string::npos) {
            return machine::Error::invalid(
                fmt::format("MountsToSkip cannot express the mount point '{}'", mount_point));
        }
        if (std::ranges::find(entries, mount_point) == entries.end()) entries.push_back(mount_point);
    }
    std::erase(entries, "");
    return set_vmbackup_setting(changes, "MountsToSkip", boost::algorithm::join(entries, ","));
}

}  // namespace remediations
