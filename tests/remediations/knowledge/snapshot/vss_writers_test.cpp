// vssadmin's list of writers, whatever the display language and code page it was printed in.
#include "remediations/knowledge/snapshot/vss_writers.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include "remediations/knowledge/snapshot/vss_writer_services.hpp"
#include "test_data.hpp"

namespace remediations::vss_writers_test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string output_in(const std::string& language) {
    const std::ifstream file(TEST_DATA "/remediations/knowledge/snapshot/vssadmin/" + language + ".txt",
                             std::ios::binary);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

constexpr auto one_writer =
    "Writer name: 'System Writer'\r\n"
    "   Writer Id: {E8132975-6F93-4464-A53E-1050253AE220}\r\n"
    "   Writer Instance Id: {5f11f0a5-8d8a-4b0a-9c8e-1a2b3c4d5e6f}\r\n"
    "   State: [8] Failed\r\n"
    "   Last error: Timed out\r\n";

class Languages : public testing::TestWithParam<const char*> {};

TEST_P(Languages, GiveTheSameWriters) {
    const auto output = output_in(GetParam());
    ASSERT_FALSE(output.empty());
    const auto writers = parse_vss_writers(output);
    ASSERT_TRUE(writers) << writers.error().message;
    std::vector<std::string> ids;
    std::vector<unsigned> states;
    for (const auto& writer : *writers) {
        ids.push_back(writer.id);
        states.push_back(writer.state);
        EXPECT_NE(writer.id, writer.instance_id);
        EXPECT_NE(owner_of_writer(writer.id, ""), nullptr) << writer.name;
    }
    EXPECT_THAT(states, ElementsAre(1, 1, 1, 8, 11, 1, 5, 1, 1, 1));
    EXPECT_EQ(ids[3], system_writer_id);
}

INSTANTIATE_TEST_SUITE_P(All, Languages,
                         testing::Values("english.cp437", "german.cp850", "french.cp850", "spanish.cp850",
                                         "russian.cp866", "japanese.cp932", "chinese.cp936"),
                         [](const auto& test) {
                             const std::string name = test.param;
                             return name.substr(0, name.find('.'));
                         });

TEST(VssWriters, HaveTheirNamesWhereTheyStandInPlainQuotes) {
    for (const auto* language : {"english.cp437", "german.cp850", "japanese.cp932", "russian.cp866"}) {
        const auto writers = parse_vss_writers(output_in(language));
        ASSERT_TRUE(writers);
        EXPECT_EQ(writers->at(3).name, "System Writer") << language;
        EXPECT_EQ(writers->at(4).name, "SqlServerWriter") << language;
    }
    const auto chinese = parse_vss_writers(output_in("chinese.cp936"));
    ASSERT_TRUE(chinese);
    EXPECT_EQ(chinese->at(3).name, chinese->at(3).id) << "a writer without a name is known by its class";
}

TEST(VssWriters, AreEmptyWhereNoneIsListed) {
    EXPECT_THAT(parse_vss_writers("").value(), IsEmpty());
    EXPECT_THAT(parse_vss_writers("vssadmin 1.1 - Volume Shadow Copy Service administrative command-line tool\r\n"
                                  "(C) Copyright 2001-2013 Microsoft Corp.\r\n\r\n")
                    .value(),
                IsEmpty());
}

TEST(VssWriters, AreComparedInLowerCase) {
    const auto writers = parse_vss_writers(one_writer);
    ASSERT_TRUE(writers);
    ASSERT_EQ(writers->size(), 1U);
    EXPECT_EQ(writers->front().id, system_writer_id);
    EXPECT_EQ(writers->front().state_text, "State: [8] Failed");
    EXPECT_TRUE(has_failed(writers->front()));
}

TEST(VssWriters, MayHaveQuotesBracketsAndGuidsInTheirNames) {
    const auto writers = parse_vss_writers(
        "Writer name: 'Bob's [2] Writer {11111111-2222-3333-4444-555555555555}'\n"
        "   Writer Id: {e8132975-6f93-4464-a53e-1050253ae220}\n"
        "   Writer Instance Id: {5f11f0a5-8d8a-4b0a-9c8e-1a2b3c4d5e6f}\n"
        "   State: [9] Failed\n");
    ASSERT_TRUE(writers) << writers.error().message;
    ASSERT_EQ(writers->size(), 1U);
    EXPECT_EQ(writers->front().name, "Bob's [2] Writer {11111111-2222-3333-4444-555555555555}");
    EXPECT_EQ(writers->front().state, 9U);
}

TEST(VssWriters, CutOffAreAnErrorThatNamesTheLine) {
    const std::string text = one_writer;
    const auto without_state = parse_vss_writers(text.substr(0, text.find("   State")));
    ASSERT_FALSE(without_state);
    EXPECT_EQ(without_state.error().kind, machine::ErrorKind::invalid);
    EXPECT_THAT(without_state.error().message, HasSubstr("line 3: expected a state like [1]"));
    const auto without_instance = parse_vss_writers(text.substr(0, text.find("   Writer Instance")));
    ASSERT_FALSE(without_instance);
    EXPECT_THAT(without_instance.error().message, HasSubstr("expected the instance's GUID"));
    // The next writer begins before this one has a state.
    EXPECT_FALSE(parse_vss_writers(text.substr(0, text.find("   State")) + one_writer));
    EXPECT_FALSE(
        parse_vss_writers(text.substr(0, text.find("   State")) + "   Id: {5f11f0a5-8d8a-4b0a-9c8e-1a2b3c4d5e6f}\n"));
}

TEST(VssWriters, SurviveWhatIsNoOutputOfVssadmin) {
    for (const std::string& text :
         {std::string("{"), std::string("[1]"), std::string("[]]]{}}'\"'"), std::string(100000, '{'),
          std::string(100000, '['), std::string("'\n\"\n'"), std::string("\0[1]\0{", 6),
          std::string("   {e8132975-6f93-4464-a53e-1050253ae22g}\n"), std::string("[99999999999999999999]")}) {
        const auto writers = parse_vss_writers(text);
        EXPECT_TRUE(!writers || writers->empty()) << text.substr(0, 40);
    }
    const auto huge = parse_vss_writers(
        "   {e8132975-6f93-4464-a53e-1050253ae220}\n   {5f11f0a5-8d8a-4b0a-9c8e-1a2b3c4d5e6f}\n   [99999999999]\n");
    EXPECT_FALSE(huge) << "a number that is none is no state";
    const auto undocumented = parse_vss_writers(
        "   {e8132975-6f93-4464-a53e-1050253ae220}\n   {5f11f0a5-8d8a-4b0a-9c8e-1a2b3c4d5e6f}\n   [77]\n");
    ASSERT_TRUE(undocumented);
    EXPECT_FALSE(has_failed(undocumented->front()));
    EXPECT_EQ(meaning_of_writer_state(77), "in an undocumented state");
}

TEST(VssWriters, AreFewEnoughForAnyOutput) {
    std::string many;
    for (int count = 0; count < 3000; ++count) many += one_writer;
    const auto writers = parse_vss_writers(many);
    ASSERT_TRUE(writers) << writers.error().message;
    EXPECT_EQ(writers->size(), 1000U);
}

TEST(VssWriters, SurviveEveryByteChangedAndEveryCut) {
    const auto output = output_in("japanese.cp932");
    std::mt19937 random(1);
    for (int round = 0; round < 2000; ++round) {
        auto text = output.substr(0, random() % (output.size() + 1));
        for (int change = 0; change < 5 && !text.empty(); ++change) {
            text[random() % text.size()] = static_cast<char>(random() % 256);
        }
        const auto writers = parse_vss_writers(text);
        const auto problem = writers ? std::string("line ") : writers.error().message;
        EXPECT_THAT(problem, HasSubstr("line "));
    }
}

TEST(VssWriterState, OnlySixToFifteenAreFailures) {
    for (unsigned state = 0; state < 20; ++state) {
        VssWriter writer;
        writer.state = state;
        EXPECT_EQ(has_failed(writer), state >= 6 && state <= 15) << state;
    }
}

TEST(VssWriterOwner, IsFoundByItsClassAndOnlyThenByItsName) {
    EXPECT_EQ(owner_of_writer("{A65FAA63-5EA8-4EBC-9DBD-A0C4DB26912A}", "")->service, "SQLWriter");
    EXPECT_EQ(owner_of_writer("{00000000-0000-0000-0000-000000000001}", "sms writer")->service, "SMS_SITE_VSS_WRITER");
    EXPECT_EQ(owner_of_writer("{00000000-0000-0000-0000-000000000001}", "System Writer"), nullptr)
        << "a writer that only has the name of another is not that one";
    EXPECT_EQ(owner_of_writer("", ""), nullptr);
}

TEST(VssWriterOwner, OfAWorkloadIsNeverRestarted) {
    for (const auto* id : {"{b2014c9e-8711-4c5c-a5a9-3cf384484757}", "{76fe1ac4-15f7-4bcd-987e-8e1acb462fb7}",
                           "{be9ac81e-3619-421f-920f-4c6fea9e93ad}", "{1072ae1c-e5a7-4ea1-9e4a-6f7964656570}",
                           "{f8544ac1-0611-4fa5-b04b-f7ee00b03277}"}) {
        EXPECT_EQ(owner_of_writer(id, "")->restart, WriterService::workload) << id;
    }
    EXPECT_NE(owner_of_writer("{66841cd4-6ded-4f4b-8f17-fd23f8ddc3de}", "")->restart, WriterService::safe);
    EXPECT_NE(owner_of_writer("{a65faa63-5ea8-4ebc-9dbd-a0c4db26912a}", "")->restart, WriterService::safe);
}

TEST(Guids, AreFoundInAnyText) {
    EXPECT_THAT(guids_in("Writer Class Id: {1072AE1C-e5a7-4ea1-9e4a-6f7964656570}\n{x} {}"),
                ElementsAre("{1072ae1c-e5a7-4ea1-9e4a-6f7964656570}"));
    EXPECT_THAT(guids_in("{{{{"), IsEmpty());
    EXPECT_THAT(guids_in("{1072ae1c-e5a7-4ea1-9e4a-6f796465657"), IsEmpty());
}

}  // namespace
}  // namespace remediations::vss_writers_test
