#include "remediations/knowledge/configuration/vmbackup_repair.hpp"

#include <algorithm>
#include <boost/algorithm/string/join.hpp>
#include <boost/algorithm/string/predicate.hpp>
#include <boost/algorithm/string/replace.hpp>
#include <boost/algorithm/string/trim.hpp>
#include <vector>

#include "remediations/knowledge/configuration/vmbackup_configuration.hpp"

namespace remediations {

namespace {

using Fault = PythonConfiguration::Fault;
using Lines = std::vector<std::string>;

/// A repair reads the file again for each duplicate section or option. The real file has some twenty lines.
constexpr std::size_t most_lines = 1000;
constexpr std::string_view no_break_space = "\xC2\xA0";

bool names_the_section(std::string_view header) {
    const auto word = boost::algorithm::trim_copy_if(
        header, [](char c) { return c == '[' || c == ']' || c == ' ' || c == '\t' || c == '"' || c == ':'; });
    return boost::iequals(word, VmBackupConfiguration::section);
}

std::string header() {
    return std::string("[") + VmBackupConfiguration::section + "]";
}

void comment_out(Lines& lines, std::size_t first, std::size_t last) {
    for (auto number = first; number <= last; ++number) {
        auto& line = lines[number - 1];
        if (!python_strip(line).empty()) line.insert(0, "# ");
    }
}

/// Repairs the first problem. Returns true if it changed lines, so that Python reads further.
bool resolve(Lines& lines, const PythonConfiguration& parsed) {
    const auto& problem = parsed.problems().front();
    auto& line = lines[problem.line - 1];
    switch (problem.fault) {
        case Fault::no_section_header:
            if (names_the_section(line)) {
                line = header();
            } else {
                lines.insert(lines.begin() + static_cast<std::ptrdiff_t>(problem.line - 1), header());
            }
            return true;
        case Fault::not_an_option:
            // Python reads on behind such lines, so they are known all at once.
            for (const auto& each : parsed.problems()) {
                if (each.fault == Fault::not_an_option) comment_out(lines, each.line, each.line);
            }
            return true;
        case Fault::duplicate_section: {
            // Only where nothing lies in between do the options stay in their section.
            const auto first =
                std::ranges::max_element(parsed.sections(), {}, &std::pair<const std::string, std::size_t>::second);
            const auto name = problem.text.substr(1, problem.text.rfind(']') - 1);
            if (first->first != name) return false;
            comment_out(lines, problem.line, problem.line);
            return true;
        }
        case Fault::duplicate_option: {
            const auto key = python_strip(std::string_view(problem.text).substr(0, problem.text.find_first_of("=:")));
            const auto earlier = std::find_if(parsed.options().rbegin(), parsed.options().rend(),
                                              [&](const auto& one) { return boost::iequals(one.key, key); });
            if (earlier == parsed.options().rend()) return false;
            comment_out(lines, earlier->first_line, earlier->last_line);
            return true;
        }
    }
    return false;
}

/// Corrects the case of the section name: [snapshotthread] is another section for Python.
void correct_section_name(Lines& lines) {
    const PythonConfiguration parsed(boost::algorithm::join(lines, "\n"));
    if (parsed.sections().contains(VmBackupConfiguration::section)) return;
    for (const auto& [name, number] : parsed.sections()) {
        if (!names_the_section(name)) continue;
        lines[number - 1] = header();
        return;
    }
}

/// Doubles each '%' that does not begin an interpolation.
void double_percent_signs(Lines& lines) {
    const PythonConfiguration parsed(boost::algorithm::join(lines, "\n"));
    for (const auto& option : parsed.options()) {
        if (option.section != VmBackupConfiguration::section || parsed.get(option.section, option.key)) continue;
        for (auto number = option.first_line; number <= option.last_line; ++number) {
            boost::algorithm::replace_all(lines[number - 1], "%", "%%");
        }
    }
}

/// Makes comments plain ASCII and special blanks plain blanks; values stay the same.
void make_plain(Lines& lines) {
    for (auto& line : lines) {
        boost::algorithm::replace_all(line, no_break_space, " ");
        const auto stripped = python_strip(line);
        if (!stripped.starts_with('#') && !stripped.starts_with(';')) continue;
        std::string plain;
        for (const char character : line) {
            const auto byte = static_cast<unsigned char>(character);
            const bool continues_a_character = (byte & 0xC0) == 0x80;
            if (byte < 0x80) {
                plain += character;
            } else if (!continues_a_character) {
                plain += '?';
            }
        }
        line = plain;
    }
}

}  // namespace

std::optional<std::string> repaired_vmbackup_configuration(const std::string& bytes) {
    const auto encoding = examine_encoding(bytes);
    if (!encoding.text) return std::nullopt;
    Lines lines;
    for (const auto line : python_lines(*encoding.text)) lines.emplace_back(line);
    if (lines.size() > most_lines) return std::nullopt;
    make_plain(lines);
    // Each step takes away a problem at least, and no line can have more than one of each kind.
    const auto most = lines.size() * 2 + 2;
    for (std::size_t step = 0;; ++step) {
        const PythonConfiguration parsed(boost::algorithm::join(lines, "\n"));
        if (parsed.problems().empty()) break;
        if (step == most || !resolve(lines, parsed)) return std::nullopt;
    }
    correct_section_name(lines);
    double_percent_signs(lines);
    make_plain(lines);  // what has become a comment since
    auto text = boost::algorithm::join(lines, "\n");
    if (!text.empty()) text += '\n';
    return PythonConfiguration(text).problems().empty() ? std::optional(text) : std::nullopt;
}

}  // namespace remediations
