#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace remediations {

/// The encoding of a text file, and why Python cannot open it as text. Then no setting in it has an effect.
struct TextEncoding {
    enum class Fault { none, byte_order_mark, utf_16, not_utf_8, nul_bytes };
    Fault fault = Fault::none;
    std::size_t line = 0;             ///< from 1, of the first wrong byte; 0 where the whole file is wrong
    bool beyond_ascii = false;        ///< true if it has characters beyond ASCII, which need a UTF-8 locale
    std::optional<std::string> text;  ///< the same text in UTF-8 with LF; nullopt where that would be a guess
};

/// Examines the bytes of a text file. Recognizes UTF-16 by its byte order mark or by its NUL bytes.
TextEncoding examine_encoding(std::string_view bytes);

/// Returns a noun for people: "a byte order mark", "UTF-16"...; empty for Fault::none.
std::string_view to_string(TextEncoding::Fault fault);

/// An INI text as Python 3's configparser.ConfigParser() reads it (Lib/configparser.py): keys without
/// case, sections with; '=' or ':'; comments only on lines of their own; a line indented deeper than
/// the option above continues its value; a section or option that appears twice is an error. After
/// any error the caller's config.read() raises, so that no setting of the file has an effect.
class PythonConfiguration {
public:
    enum class Fault {
        no_section_header,  ///< an option before the first [section]; reading ends here
        duplicate_section,  ///< reading ends here
        duplicate_option,   ///< reading ends here
        not_an_option,      ///< neither section, option, comment nor continuation
    };

    struct Problem {
        Fault fault;
        std::size_t line = 0;  ///< from 1
        std::string text;      ///< of the line
    };

    struct Option {
        std::string section;
        std::string key;             ///< in lower case
        std::string value;           ///< lines of a continued value joined by LF; not interpolated
        std::size_t first_line = 0;  ///< from 1
        std::size_t last_line = 0;   ///< of its continuation lines
    };

    explicit PythonConfiguration(std::string_view text);

    /// Returns the problems in the order of the file, up to where Python would stop reading.
    const std::vector<Problem>& problems() const { return problems_; }

    const std::vector<Option>& options() const { return options_; }

    /// Returns the line of each section's header, from 1.
    const std::map<std::string, std::size_t, std::less<>>& sections() const { return sections_; }

    /// Returns the same as config.has_option() and config.get(): nullopt where the section or option is missing
    /// or the text has a problem, or where a '%' in the value cannot be interpolated. Options of
    /// [DEFAULT] count in every section that exists.
    std::optional<std::string> get(std::string_view section, std::string_view key) const;

private:
    const Option* find(std::string_view section, std::string_view key) const;
    std::optional<std::string> interpolate(std::string_view value, std::string_view section, int depth) const;

    std::vector<Problem> problems_;
    std::vector<Option> options_;
    std::map<std::string, std::size_t, std::less<>> sections_;
};

/// Returns the text without the white space that Python's str.strip() removes at both ends, Unicode's included.
std::string_view python_strip(std::string_view text);

/// Returns the lines as Python's text mode sees them, without their ends. LF, CR LF and CR end a line.
std::vector<std::string_view> python_lines(std::string_view text);

}  // namespace remediations
