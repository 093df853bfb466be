#include "remediations/knowledge/extension/python_imports.hpp"

#include <algorithm>

namespace remediations {

namespace {

constexpr std::size_t most_imports = 1000;
constexpr std::size_t deepest_nesting = 200;

bool is_blank(char character) {
    return character == ' ' || character == '\t' || character == '\f' || character == '\r';
}

bool is_word_character(char character) {
    return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
           (character >= '0' && character <= '9') || character == '_' || static_cast<unsigned char>(character) >= 0x80;
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
    return text;
}

/// A statement without its strings and comments. It may come from several lines.
struct LogicalLine {
    std::size_t number = 0;  ///< of its first line
    std::size_t indentation = 0;
    std::string code;
    std::string_view first_line;
};

/// Splits a source into logical lines, as Python's tokenizer does.
class LineReader {
public:
    explicit LineReader(std::string_view source) : source_(source) {}

    bool next(LogicalLine& line) {
        while (at_ < source_.size()) {
            line = {};
            line.number = number_;
            line.first_line = source_.substr(at_, source_.find('\n', at_) - at_);
            while (at_ < source_.size() && is_blank(source_[at_])) {
                // A tab goes to the next multiple of eight; a form feed counts nothing.
                if (source_[at_] == ' ') ++line.indentation;
                if (source_[at_] == '\t') line.indentation = (line.indentation / 8 + 1) * 8;
                ++at_;
            }
            read_statement(line.code);
            if (!trimmed(line.code).empty()) return true;
        }
        return false;
    }

private:
    void read_statement(std::string& code) {
        std::size_t depth = 0;
        while (at_ < source_.size()) {
            const char character = source_[at_];
            if (character == '#') {
                at_ = std::min(source_.find('\n', at_), source_.size());
            } else if (character == '\n') {
                step();
                if (depth == 0) return;
                code += ' ';
            } else if (character == '\\' && source_.substr(at_ + 1, 1) == "\n") {
                ++at_;
                step();
                code += ' ';
            } else if (character == '"' || character == '\'') {
                skip_string(character);
                code += "''";
            } else {
                if (character == '(' || character == '[' || character == '{') ++depth;
                if ((character == ')' || character == ']' || character == '}') && depth > 0) --depth;
                code += character;
                ++at_;
            }
        }
    }

    /// In every kind of string, a quote after a backslash does not end the string.
    void skip_string(char quote) {
        const std::string three(3, quote);
        const bool is_long = source_.substr(at_, 3) == three;
        at_ += is_long ? 3 : 1;
        while (at_ < source_.size()) {
            if (source_[at_] == '\\' && at_ + 1 < source_.size()) {
                ++at_;
                step();
            } else if (is_long && source_.substr(at_, 3) == three) {
                at_ += 3;
                return;
            } else if (!is_long && (source_[at_] == quote || source_[at_] == '\n')) {
                if (source_[at_] == quote) ++at_;
                return;
            } else {
                step();
            }
        }
    }

    void step() {
        if (source_[at_] == '\n') ++number_;
        ++at_;
    }

    std::string_view source_;
    std::size_t at_ = 0;
    std::size_t number_ = 1;
};

std::string_view first_word(std::string_view code) {
    const auto end = std::ranges::find_if_not(code, is_word_character);
    return code.substr(0, static_cast<std::size_t>(end - code.begin()));
}

/// Returns the position of the colon of a compound statement, outside brackets.
std::size_t colon_of(std::string_view code) {
    std::size_t depth = 0;
    for (std::size_t at = 0; at < code.size(); ++at) {
        if (code[at] == '(' || code[at] == '[' || code[at] == '{') ++depth;
        if ((code[at] == ')' || code[at] == ']' || code[at] == '}') && depth > 0) --depth;
        if (code[at] == ':' && depth == 0) return at;
    }
    return std::string_view::npos;
}

std::vector<std::string> names_in(std::string_view list) {
    std::vector<std::string> names;
    while (!list.empty()) {
        const auto end = std::min(list.find(','), list.size());
        auto name = trimmed(list.substr(0, end));
        while (!name.empty() && name.front() == '(') name = trimmed(name.substr(1));
        const auto stop = name.find_first_of(" \t)");
        name = name.substr(0, stop);
        if (!name.empty()) names.emplace_back(name);
        list.remove_prefix(std::min(end + 1, list.size()));
    }
    return names;
}

std::vector<PythonImport> imports_in(std::string_view statement, const LogicalLine& line) {
    const auto keyword = first_word(statement);
    const auto text = std::string(trimmed(line.first_line).substr(0, 200));
    std::vector<PythonImport> found;
    if (keyword == "import") {
        for (auto& module : names_in(statement.substr(keyword.size()))) {
            found.push_back({std::move(module), {}, line.number, text});
        }
    } else if (keyword == "from") {
        const auto rest = trimmed(statement.substr(keyword.size()));
        const auto end = std::min(rest.find_first_of(" \t"), rest.size());
        const auto behind = trimmed(rest.substr(end));
        if (first_word(behind) != "import" || rest.starts_with('.')) return found;
        found.push_back({std::string(rest.substr(0, end)), names_in(behind.substr(6)), line.number, text});
    }
    return found;
}

class ImportReader {
public:
    std::vector<PythonImport> read(std::string_view source) {
        LineReader reader(source);
        LogicalLine line;
        while (reader.next(line) && found_.size() < most_imports) take(line);
        while (!blocks_.empty()) close();
        found_.resize(std::min(found_.size(), most_imports));
        return std::move(found_);
    }

private:
    enum class Kind { plain, guarded, attempt };  ///< runs; may not run, or its failure is caught; the body of a try

    struct Block {
        std::size_t indentation = 0;  ///< of its first line
        Kind kind = Kind::plain;
        std::vector<PythonImport> imports;  ///< of a try, until its handlers are known
    };

    void take(const LogicalLine& line) {
        const auto code = trimmed(line.code);
        auto word = first_word(code);
        if (word == "async") word = first_word(trimmed(code.substr(word.size())));
        const bool goes_on = word == "except" || word == "finally" || word == "else" || word == "elif";
        while (!blocks_.empty() && (blocks_.back().indentation > line.indentation ||
                                    (blocks_.back().indentation == line.indentation && !goes_on))) {
            close();
        }
        const bool of_this = !blocks_.empty() && blocks_.back().indentation == line.indentation;
        if (goes_on && of_this) {
            begin_clause(word, code);
        } else if (word == "try" || word == "class") {
            open(line.indentation, word == "try" ? Kind::attempt : Kind::plain);
        } else if (word == "def" || word == "if" || word == "for" || word == "while" || word == "with" ||
                   word == "match" || word == "case" || goes_on) {
            if (colon_of(code) == std::string_view::npos) return;  // "match" and "case" may be names
            open(line.indentation, Kind::guarded);
        } else {
            take_statements(code, line);
            return;
        }
        const auto colon = colon_of(code);
        if (colon != std::string_view::npos) take_statements(code.substr(colon + 1), line);
    }

    static bool catches_import_error(std::string_view code) {
        constexpr std::string_view word = "except";
        const auto what = trimmed(code.substr(word.size(), std::min(colon_of(code), code.size()) - word.size()));
        return what.empty() || what.find("ImportError") != std::string_view::npos ||
               what.find("ModuleNotFoundError") != std::string_view::npos ||
               what.find("Exception") != std::string_view::npos;
    }

    /// Begins an except, else or finally of a try, or an elif or else of another statement. Its content runs under a
    /// condition ("finally" does not, but nobody imports there). The imports of the try wait for the next handler.
    void begin_clause(std::string_view word, std::string_view code) {
        auto imports = std::move(blocks_.back().imports);
        const auto indentation = blocks_.back().indentation;
        blocks_.pop_back();
        if (word == "except" && catches_import_error(code)) imports.clear();
        open(indentation, Kind::guarded);
        blocks_.back().imports = std::move(imports);
    }

    void open(std::size_t indentation, Kind kind) {
        // Deeper than Python itself allows: nothing of it counts.
        blocks_.push_back({indentation, blocks_.size() < deepest_nesting ? kind : Kind::guarded, {}});
    }

    /// Ends a block. Imports that a try did not guard belong to the block around it.
    void close() {
        auto imports = std::move(blocks_.back().imports);
        blocks_.pop_back();
        for (auto& import : imports) add(std::move(import));
    }

    void add(PythonImport import) {
        const auto block = std::find_if(blocks_.rbegin(), blocks_.rend(), [](const auto& each) {
            return each.kind == Kind::guarded || each.kind == Kind::attempt;
        });
        if (block != blocks_.rend() && block->kind == Kind::guarded) return;
        if (block != blocks_.rend()) {
            block->imports.push_back(std::move(import));
            return;
        }
        found_.push_back(std::move(import));
    }

    void take_statements(std::string_view code, const LogicalLine& line) {
        while (!code.empty()) {
            const auto end = std::min(code.find(';'), code.size());
            for (auto& import : imports_in(trimmed(code.substr(0, end)), line)) add(std::move(import));
            code.remove_prefix(std::min(end + 1, code.size()));
        }
    }

    std::vector<Block> blocks_;
    std::vector<PythonImport> found_;
};

}  // namespace

std::vector<PythonImport> unguarded_imports(std::string_view source) {
    return ImportReader().read(source);
}

}  // namespace remediations
