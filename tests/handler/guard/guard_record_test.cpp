#include "handler/guard/guard_record.hpp"

#include <gmock/gmock.h>

#include "handler/guard/guard_settings.hpp"
#include "tests/handler/handler_folder.hpp"

namespace handler::guard_record_test {
namespace {

using test::TemporaryFolder;
using testing::HasSubstr;
using namespace std::chrono_literals;

class GuardRecordTest : public testing::Test {
protected:
    void SetUp() override {
        GuardSettings settings;
        settings.mode = GuardMode::watch;
        ASSERT_TRUE(save_guard_settings(state_, settings));
    }

    TemporaryFolder root_;
    std::filesystem::path state_ = root_.path() / "state";
};

TEST_F(GuardRecordTest, IsReadAsItWasWritten) {
    GuardRecord record;
    record.computer = {"vm1", "boot1", 4'000'000s};
    record.looked = GuardTime(1'700'000'000s);
    record.seen = "0123";
    record.look_again = true;
    record.next_try = GuardTime(1'700'003'600s);
    record.repairing = "a";
    record.repairs_in_a_row = 2;
    record.last_repair = GuardTime(1'600'000'000s);
    record.folder_missing_since = GuardTime(1s);
    record.told = "told";
    record.treatments = {{"a", Treatment::State::waiting, "run1", GuardTime(5s), 1, "shape", "result 121"},
                         {"b", Treatment::State::not_healed, "", GuardTime(6s), 3, "", ""}};
    ASSERT_TRUE(save_guard_record(state_, record));
    EXPECT_EQ(load_guard_record(state_), record);
    const auto permissions = std::filesystem::status(guard_record_file(state_)).permissions();
    EXPECT_EQ(permissions, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST_F(GuardRecordTest, ADamagedOneStartsAfresh) {
    for (const auto* text : {"", "{", "[]", "{\"schema\":1}", "{\"schema\":\"x\"}"}) {
        test::write(guard_record_file(state_), text);
        EXPECT_EQ(load_guard_record(state_), GuardRecord{}) << text;
    }
}

TEST_F(GuardRecordTest, ForeignNumbersStayInBounds) {
    GuardRecord record;
    record.treatments = {{"a", Treatment::State::waiting, "", {}, 1, "", ""}};
    ASSERT_TRUE(save_guard_record(state_, record));
    auto text = test::read(guard_record_file(state_));
    text.replace(text.find("\"looked\":0"), 10, "\"looked\":-9223372036854775807");
    text.replace(text.find("\"uptime\":0"), 10, "\"uptime\":9223372036854775807");
    text.replace(text.find("\"inARow\":1"), 10, "\"inARow\":9223372036854775807");
    test::write(guard_record_file(state_), text);
    const auto read = load_guard_record(state_);
    EXPECT_EQ(read.looked, GuardTime{});
    EXPECT_EQ(read.computer.uptime.count() / (365 * 86400), 230);
    ASSERT_EQ(read.treatments.size(), 1U);
    EXPECT_EQ(read.treatments[0].in_a_row, 1'000'000U);
}

TEST_F(GuardRecordTest, ItDoesNotGrow) {
    GuardRecord record;
    for (int number = 0; number < 1000; ++number) {
        record.treatments.push_back({std::string(100'000, 'x') + std::to_string(number),
                                     number == 0 ? Treatment::State::not_healed : Treatment::State::proven, "run",
                                     GuardTime(std::chrono::seconds(number)), 1, "", ""});
    }
    ASSERT_TRUE(save_guard_record(state_, record));
    EXPECT_LT(std::filesystem::file_size(guard_record_file(state_)), 128U << 10U);
    const auto read = load_guard_record(state_);
    ASSERT_EQ(read.treatments.size(), most_treatments);
    EXPECT_EQ(read.treatments.front().state, Treatment::State::not_healed);
    EXPECT_EQ(read.treatments.back().time, GuardTime(999s));
}

TEST_F(GuardRecordTest, SettingsAreReadAsTheyWereWritten) {
    GuardSettings settings;
    settings.mode = GuardMode::repair;
    settings.every = 6h;
    settings.max_disruption = remediations::Disruption::workload;
    settings.only = {"a", "b"};
    settings.exclude = {"c"};
    settings.agent_installer = "C:\\agent.msi";
    settings.by_hand = true;
    settings.suspended = true;
    settings.handler_folder = "/var/lib/waagent/x-1.0";
    settings.version = "1.2.3.4";
    ASSERT_TRUE(save_guard_settings(state_, settings));
    const auto read = load_guard_settings(state_);
    ASSERT_TRUE(read && *read);
    EXPECT_EQ(**read, settings);
    EXPECT_EQ(std::filesystem::status(guard_folder(state_)).permissions(), std::filesystem::perms::owner_all);
}

TEST_F(GuardRecordTest, DamagedSettingsAreAnError) {
    auto valid = test::read(guard_settings_file(state_));
    for (const auto& [from, to] : {std::pair("\"hours\":1", "\"hours\":0"), std::pair("\"hours\":1", "\"hours\":25"),
                                   std::pair("watch", "sleep"), std::pair("\"only\":[]", "\"only\":[1]"),
                                   std::pair("\"schema\":1", "\"schema\":2"), std::pair("service-restart", "all")}) {
        auto text = valid;
        text.replace(text.find(from), std::string(from).size(), to);
        test::write(guard_settings_file(state_), text);
        const auto read = load_guard_settings(state_);
        ASSERT_FALSE(read) << to;
        EXPECT_THAT(read.error().message, HasSubstr("settings.json"));
    }
}

TEST_F(GuardRecordTest, NothingIsReadFromAFolderThatOthersMayWriteTo) {
    for (const auto& folder : {state_, guard_folder(state_)}) {
        std::filesystem::permissions(folder, std::filesystem::perms(0777));
        EXPECT_FALSE(load_guard_settings(state_)) << folder;
        std::filesystem::permissions(folder, std::filesystem::perms(0700));
    }
    EXPECT_TRUE(load_guard_settings(state_));
}

TEST(GuardSettings, WithoutAFolderThereIsNoGuard) {
    const TemporaryFolder root;
    const auto read = load_guard_settings(root.path() / "state");
    ASSERT_TRUE(read);
    EXPECT_EQ(*read, std::nullopt);
}

}  // namespace
}  // namespace handler::guard_record_test
