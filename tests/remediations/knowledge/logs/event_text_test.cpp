#include "remediations/knowledge/logs/event_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace remediations::event_text_test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

machine::Event with(std::vector<std::string> data) {
    return {"Application", "VSS", 8193, {}, std::move(data), 2};
}

constexpr auto in_english =
    "\r\n\r\nOperation:\r\n   Gathering Writer Data\r\n   Executing Asynchronous Operation\r\n\r\nContext:\r\n"
    "   Execution Context: Requestor\r\n   Writer Class Id: {E8132975-6f93-4464-a53e-1050253ae220}\r\n"
    "   Writer Name: System Writer\r\n   Writer Instance ID: {b1d1c4a0-0000-4000-8000-000000000011}";

TEST(EventContext, TellsOperationAndWriterInAnyLanguage) {
    const auto english = context_of(with({"CoCreateInstance", "0x80040154", in_english}));
    EXPECT_EQ(english.operation, "Gathering Writer Data");
    EXPECT_EQ(english.writer, "System Writer");
    EXPECT_THAT(english.classes, ElementsAre("{e8132975-6f93-4464-a53e-1050253ae220}"));

    const auto french =
        context_of(with({"\r\n\r\nOp\xC3\xA9ration :\r\n   Collecte des donn\xC3\xA9"
                         "es\r\n\r\nContexte :\r\n   ID de classe du r\xC3\xA9"
                         "dacteur : {a65faa63-5ea8-4ebc-9dbd-a0c4db26912a}\r\n   Nom du r\xC3\xA9"
                         "dacteur : SqlServerWriter\r\n"}));
    EXPECT_EQ(french.writer, "SqlServerWriter");
    EXPECT_EQ(french.operation,
              "Collecte des donn\xC3\xA9"
              "es");
}

TEST(EventContext, KnowsAProviderFromTheIdsOfOneSnapshot) {
    const auto context = context_of(with(
        {"\r\n\r\nOperation:\r\n   Add\r\n\r\nContext:\r\n   Provider ID: {b5946137-7b9f-4925-af80-51abd60b20d5}\r\n"
         "   Class ID: {00000000-0000-0000-0000-000000000000}\r\n   Snapshot Context: 13\r\n"}));
    EXPECT_THAT(context.classes, ElementsAre("{b5946137-7b9f-4925-af80-51abd60b20d5}"));
    EXPECT_EQ(context.writer, "");
}

TEST(EventContext, IsEmptyWhereThereIsNone) {
    EXPECT_EQ(context_of(with({})), EventContext{});
    EXPECT_EQ(context_of(with({"", "   x", "{e8132975-6f93-4464-a53e-1050253ae220}"})), EventContext{});
}

TEST(EventContext, SurvivesAnyBytes) {
    std::mt19937 random(1);
    for (int round = 0; round < 2000; ++round) {
        auto text = std::string(in_english).substr(0, random() % 300);
        for (int change = 0; change < 5 && text.size() > 2; ++change) {
            text[2 + random() % (text.size() - 2)] = static_cast<char>(random() % 256);
        }
        const auto context = context_of(with({text}));
        EXPECT_LE(context.classes.size(), 3U);
        EXPECT_LE(without_numbers(text).size(), 210U);
        EXPECT_LE(routine_in(text).size(), 80U);
        EXPECT_LE(database_in(with({text})).size(), 128U * 3);
    }
}

TEST(EventDatabase, IsTheNameAndNoWordOfTheSentence) {
    EXPECT_EQ(database_in(with({"BACKUP DATABASE crm"})), "crm");
    EXPECT_EQ(database_in(with({"BACKUP LOG crm TO DISK"})), "crm");
    EXPECT_EQ(database_in(with({"Error message: Database 'my shop' cannot be opened.\nBACKUP DATABASE is terminating "
                                "abnormally."})),
              "my shop");
    EXPECT_EQ(database_in(with({"BACKUP DATABASE [my shop] TO VIRTUAL_DEVICE='x'"})), "my shop");
    EXPECT_EQ(database_in(with({"Sqllib error: Database crm is stored on multiple volumes"})), "crm");
    EXPECT_EQ(database_in(with({"BACKUP DATABASE is terminating abnormally."})), "");
    EXPECT_EQ(database_in(with({"a database", "database ", "database '"})), "");
    EXPECT_EQ(database_in(with({})), "");
}

TEST(EventVolume, IsTheDriveOrElseTheDevice) {
    EXPECT_EQ(volume_in(with({R"(\Device\HarddiskVolume9)", "F:", "F:"})), "F:");
    EXPECT_EQ(volume_in(with({"", R"(C:\)"})), "C:");
    EXPECT_EQ(volume_in(with({R"(\Device\HarddiskVolume9)"})), R"(\Device\HarddiskVolume9)");
    EXPECT_EQ(volume_in(with({R"(C:\data)", "5:"})), "");
}

TEST(EventRoutine, IsAFunctionOfTheProgram) {
    EXPECT_EQ(routine_in("CoCreateInstance"), "CoCreateInstance");
    EXPECT_EQ(routine_in("IVDS::CreateEx"), "IVDS::CreateEx");
    EXPECT_EQ(routine_in("RegOpenKeyExW(-2147483646,SYSTEM,...)"), "RegOpenKeyExW");
    EXPECT_EQ(routine_in("\r\n\r\nDetails:\r\nAddLegacyDriverFiles: Unable to back up image of binary X."),
              "AddLegacyDriverFiles");
    EXPECT_EQ(routine_in("Could not query the status."), "");
    EXPECT_EQ(routine_in(""), "");
}

TEST(EventShape, IsTheSameForOtherNumbersAndNames) {
    EXPECT_EQ(without_numbers("0x80070005, line 12 of {e8132975-6f93-4464-a53e-1050253ae220} 'crm'"),
              without_numbers("0x8004, line 7 of {a65faa63-5ea8-4ebc-9dbd-a0c4db26912a} 'shop'"));
    EXPECT_NE(without_numbers("CreateFileW"), without_numbers("OpenFileW"));
}

}  // namespace
}  // namespace remediations::event_text_test
