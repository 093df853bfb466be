#include "handler/report/status.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "remediations/machine/utf8.hpp"

namespace handler::status_test {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;

const std::filesystem::path log_file = "/var/log/azure/Test/run.log";
const std::chrono::system_clock::time_point now{1795225747s};

json::value document_of(const Status& status) {
    return json::parse(status_file_text(status, "Test.Handler", now, log_file));
}

const json::string& message_of(const json::value& status) {
    return status.at_pointer("/formattedMessage/message").as_string();
}

TEST(StatusFile, HasTheFormOfTheProtocol) {
    const Status status{StatusWord::success, 0, "Nothing to do.", {{"network", StatusWord::warning, 6, "unknown."}}};
    EXPECT_EQ(document_of(status), json::parse(R"([{"version":"1.0","timestampUTC":"2026-11-21T01:49:07Z","status":{
        "name":"Test.Handler","operation":"Enable","status":"success","code":0,
        "formattedMessage":{"lang":"en-US","message":"Nothing to do."},
        "substatus":[{"name":"network","status":"warning","code":6,
            "formattedMessage":{"lang":"en-US","message":"unknown."}}]}}])"));
}

TEST(StatusFile, WordsAreLowerCase) {
    EXPECT_EQ(to_string(StatusWord::transitioning), "transitioning");
    EXPECT_EQ(to_string(StatusWord::success), "success");
    EXPECT_EQ(to_string(StatusWord::warning), "warning");
    EXPECT_EQ(to_string(StatusWord::error), "error");
}

TEST(StatusFile, AnEmptyListOfSubstatusIsAList) {
    EXPECT_EQ(document_of({}).at_pointer("/0/status/substatus"), json::array());
}

TEST(StatusFile, ALongMessageIsCutAndSaysSo) {
    const auto message =
        message_of(document_of({StatusWord::error, 1, std::string(5000, 'x'), {}}).at_pointer("/0/status"));
    EXPECT_EQ(message.size(), status_message_limit);
    EXPECT_TRUE(message.ends_with("xx... (cut; see /var/log/azure/Test/run.log)")) << message;
}

TEST(StatusFile, WhatFitsIsLeftAlone) {
    const std::string exactly(status_message_limit, 'x');
    EXPECT_EQ(message_of(document_of({StatusWord::error, 1, exactly, {}}).at_pointer("/0/status")), exactly);
}

TEST(Cut, NeverSplitsACharacter) {
    std::string text;
    for (int index = 0; index < 1000; ++index) text += "\xE2\x82\xAC";  // the Euro sign, three bytes
    for (std::size_t limit = 0; limit < 200; ++limit) {
        const auto shortened = cut(text, limit, log_file);
        EXPECT_LE(shortened.size(), limit);
        EXPECT_EQ(machine::valid_utf8(shortened), shortened) << limit;
    }
}

TEST(Cut, ReplacesWhatIsNoText) {
    EXPECT_EQ(cut(std::string_view("a\0b\x1b[31m\x7f\r\n\tc", 13), 100, log_file), "a b [31m  \n\tc");
    EXPECT_EQ(cut("caf\xE9 \xC3\xA9", 100, log_file), "caf\xEF\xBF\xBD \xC3\xA9");
}

TEST(StatusFile, EverySubstatusIsCutToItsLimitNameIncluded) {
    const Status status{
        StatusWord::success, 0, "", {{"msdtc-account", StatusWord::error, 1, std::string(50'000, 'x')}}};
    const auto substatus = document_of(status).at_pointer("/0/status/substatus/0");
    EXPECT_LE(message_of(substatus).size() + substatus.at("name").as_string().size(), substatus_limit);
    EXPECT_GT(message_of(substatus).size(), substatus_limit - 100);
    EXPECT_NE(message_of(substatus).find("(cut; see"), json::string::npos);
}

TEST(StatusFile, TheWholeFileStaysBelowItsLimit) {
    for (const auto* filling : {"x", "\"", "\xE2\x82\xAC", "\x01", "\xFF"}) {
        Status status;
        std::string text;
        while (text.size() < 20'000) text += filling;
        for (int index = 0; index < 100; ++index) {
            status.substatus.push_back({"cause-" + std::to_string(index), StatusWord::error, 1, text});
        }
        const auto file = status_file_text(status, "Test.Handler", now, log_file);
        EXPECT_LE(file.size(), status_file_limit);
        EXPECT_EQ(json::parse(file).at_pointer("/0/status/substatus").as_array().size(), 100U)
            << "shorter messages would have done";
    }
}

TEST(StatusFile, ThousandsOfPartsAreCountedInstead) {
    Status status;
    for (int index = 0; index < 5000; ++index) {
        status.substatus.push_back({"cause", StatusWord::error, 1, std::string(300, 'x')});
    }
    const auto file = status_file_text(status, "Test.Handler", now, log_file);
    EXPECT_LE(file.size(), status_file_limit);
    const auto substatus = json::parse(file).at_pointer("/0/status/substatus").as_array();
    EXPECT_GT(substatus.size(), 100U);
    EXPECT_EQ(substatus.back().at("name"), "more");
    EXPECT_EQ(message_of(substatus.back()),
              std::to_string(5000 - (substatus.size() - 1)) + " more are in /var/log/azure/Test/run.log");
}

TEST(StatusFile, OneSubstatusIsPutIntoAStoredStatus) {
    const Status status{
        StatusWord::success,
        0,
        "Done.",
        {{"azure", StatusWord::success, 0, "Waiting."}, {"network", StatusWord::success, 0, "healthy"}}};
    const auto stored = status_file_text(status, "Test.Handler", now, log_file);
    const auto later = now + 60s;
    const auto replaced = with_substatus(stored, {"azure", StatusWord::warning, 1, "Not repaired."}, later, log_file);
    ASSERT_TRUE(replaced) << replaced.error().message;
    auto expected = status;
    expected.substatus[0] = {"azure", StatusWord::warning, 1, "Not repaired."};
    EXPECT_EQ(*replaced, status_file_text(expected, "Test.Handler", later, log_file));
    const auto added = with_substatus(stored, {"prove", StatusWord::success, 0, "Begun."}, later, log_file);
    ASSERT_TRUE(added);
    EXPECT_EQ(json::parse(*added).at_pointer("/0/status/substatus").as_array().size(), 3U);
}

TEST(StatusFile, WhatIsNoStatusTakesNoSubstatus) {
    const Substatus part{"azure", StatusWord::success, 0, "x"};
    for (const auto* text : {"", "{}", "[]", "[1]", R"([{"timestampUTC":1,"status":{"substatus":{}}}])",
                             R"([{"status":{"substatus":[]}}])"}) {
        EXPECT_EQ(with_substatus(text, part, now, log_file).error().kind, machine::ErrorKind::invalid) << text;
    }
    EXPECT_TRUE(
        with_substatus(R"([{"timestampUTC":1,"status":{"substatus":[1,{"name":2},{}]}}])", part, now, log_file));
    const auto full =
        R"([{"timestampUTC":"","status":{"substatus":[")" + std::string(status_file_limit, 'x') + "\"]}}]";
    EXPECT_EQ(with_substatus(full, part, now, log_file).error().kind, machine::ErrorKind::too_large);
}

}  // namespace
}  // namespace handler::status_test
