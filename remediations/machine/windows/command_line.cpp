#include "remediations/machine/windows/command_line.hpp"

#include "remediations/machine/windows/text.hpp"

namespace machine::windows {

namespace {

/// Quotes an argument so that CommandLineToArgvW and the C runtime parse it correctly: backslashes are special only
/// before a quote, where each of them and the quote needs one more.
std::wstring quoted(const std::wstring& argument) {
    std::wstring text = L"\"";
    std::size_t backslashes = 0;
    for (const auto c : argument) {
        if (c == L'"') text.append(backslashes + 1, L'\\');
        backslashes = c == L'\\' ? backslashes + 1 : 0;
        text += c;
    }
    text.append(backslashes, L'\\');
    return text + L'"';
}

}  // namespace

Result<std::wstring> command_line(const std::string& program, const std::vector<std::string>& arguments) {
    const auto wide_program = to_wide_name(program);
    if (!wide_program) return wide_program.error();
    auto line = quoted(*wide_program);
    for (const auto& argument : arguments) {
        const auto wide = to_wide_name(argument);
        if (!wide) return wide.error();
        line += L' ' + quoted(*wide);
    }
    return line;
}

}  // namespace machine::windows
