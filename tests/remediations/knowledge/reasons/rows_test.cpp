#include "remediations/knowledge/reasons/rows.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <string>
#include <string_view>

#include "remediations/knowledge/reasons/event_rows.hpp"

namespace remediations::rows_test {
namespace {

constexpr std::size_t longest_sentence = 200;

void expect_sentences(std::string_view where, std::string_view meaning, std::string_view for_backup,
                      std::string_view look_at) {
    for (const auto text : {meaning, for_backup, look_at}) {
        EXPECT_LE(text.size(), longest_sentence) << where << ": " << text;
        EXPECT_FALSE(text.starts_with(' ') || text.ends_with(' ')) << where << ": " << text;
        EXPECT_TRUE(text.empty() || text.ends_with('.')) << where << ": " << text;
    }
}

template <typename Row>
void expect_sorted(std::string_view table, std::span<const Row> rows) {
    for (std::size_t index = 1; index < rows.size(); ++index) {
        EXPECT_LT(rows[index - 1].number, rows[index].number) << table;
    }
}

TEST(ReasonRows, AreSortedByNumberAndWellFormed) {
    const struct {
        const char* table;
        std::span<const ReasonRow> rows;
        bool may_leave_meaning_out;
    } tables[] = {
        {"win32", win32_rows(), false}, {"hresult", hresult_rows(), false},    {"ntstatus", nt_status_rows(), false},
        {"http", http_rows(), false},   {"exit", exit_code_rows(), false},     {"signal", signal_rows(), false},
        {"sql", sql_rows(), false},     {"extension", extension_rows(), true}, {"agent", agent_rows(), true},
    };
    for (const auto& table : tables) {
        expect_sorted(table.table, table.rows);
        for (const auto& row : table.rows) {
            const auto where = std::string(table.table) + " " + std::to_string(row.number);
            EXPECT_TRUE(table.may_leave_meaning_out || *row.meaning != '\0') << where;
            expect_sentences(where, row.meaning, row.for_backup, row.look_at);
        }
    }
}

TEST(ReasonRows, NamesAreSortedAndWellFormed) {
    const struct {
        const char* table;
        std::span<const NameRow> rows;
    } tables[] = {{"service", service_code_rows()},
                  {"python", python_rows()},
                  {"dotnet", dotnet_rows()},
                  {"openssl", openssl_rows()}};
    for (const auto& table : tables) {
        for (std::size_t index = 0; index < table.rows.size(); ++index) {
            const auto& row = table.rows[index];
            EXPECT_TRUE(index == 0 || std::string_view(table.rows[index - 1].name) < row.name)
                << table.table << ": " << row.name;
            EXPECT_NE(*row.meaning, '\0') << row.name;
            expect_sentences(row.name, row.meaning, row.for_backup, row.look_at);
        }
    }
}

TEST(ReasonRows, ErrnoIsWhatTheSystemSays) {
    const auto rows = errno_rows();
    expect_sorted("errno", rows);
    constexpr int last = 133;
    constexpr int unused[] = {41, 58};
    for (int number = 1; number <= last; ++number) {
        const auto row = std::ranges::find(rows, number, &ErrnoRow::number);
        if (std::ranges::find(unused, number) != std::end(unused)) {
            EXPECT_EQ(row, rows.end()) << number;
            continue;
        }
        ASSERT_NE(row, rows.end()) << number;
        expect_sentences(row->name, "", row->for_backup, row->look_at);
#ifdef __GLIBC__
        EXPECT_STREQ(row->text, std::strerror(number)) << row->name;
        EXPECT_STREQ(row->name, ::strerrorname_np(number));
#endif
    }
}

TEST(ReasonRows, EveryErrnoTextIsFoundByItsLetterTheLongerFirst) {
    std::size_t found = 0;
    for (char letter = 'a'; letter <= 'z'; ++letter) {
        std::string_view before;
        for (const auto* row : errno_texts(letter)) {
            const std::string_view text = row->text;
            EXPECT_TRUE(before.empty() || before.size() >= text.size()) << text;
            EXPECT_TRUE(
                std::ranges::any_of(errno_rows(), [&](const auto& each) { return each.number == row->number; }));
            before = text;
            ++found;
        }
    }
    // ".lib section in a.out corrupted" begins with no letter.
    EXPECT_GE(found, errno_rows().size() - 1);
}

TEST(EventRows, AreThereOnceAndWellFormed) {
    std::set<std::pair<EventSource, unsigned>> seen;
    for (const auto& row : event_rows()) {
        const auto where = "event " + std::to_string(row.id);
        EXPECT_TRUE(seen.emplace(row.source, row.id).second) << where;
        EXPECT_NE(*row.meaning, '\0') << where;
        expect_sentences(where, row.meaning, row.for_backup, row.look_at);
        EXPECT_TRUE(std::ranges::any_of(event_source_names(), [&](const auto& each) {
            return each.source == row.source;
        })) << where;
    }
}

TEST(ReasonRows, AreEnough) {
    EXPECT_GE(win32_rows().size(), 120);
    EXPECT_GE(hresult_rows().size(), 200);
}

}  // namespace
}  // namespace remediations::rows_test
