#include "remediations/machine/security_descriptor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

namespace machine::security_descriptor_test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr auto allow = AccessType::allow;

TEST(SecurityDescriptor, OfTheFolderOfMachineKeys) {
    const auto found =
        parse_security_descriptor("O:SYG:SYD:PAI(A;;0x12019f;;;WD)(A;OICIIOID;FA;;;BA)(D;;FRFW;;;S-1-5-80-1-2)")
            .value();
    EXPECT_EQ(found.owner, "S-1-5-18");
    EXPECT_EQ(found.group, "S-1-5-18");
    EXPECT_TRUE(found.is_protected);
    EXPECT_TRUE(found.has_access_list);
    EXPECT_THAT(
        found.entries,
        ElementsAre(AccessEntry{allow, 0, 0x12019F, "S-1-1-0"},
                    AccessEntry{allow, inherited_by_files | inherited_by_folders | for_inheritors_only | inherited,
                                file_all_access, "S-1-5-32-544"},
                    AccessEntry{AccessType::deny, 0, file_read | file_write, "S-1-5-80-1-2"}));
}

TEST(SecurityDescriptor, WhatEachPartMayBe) {
    EXPECT_EQ(parse_security_descriptor("").value(), SecurityDescriptor{});
    EXPECT_EQ(parse_security_descriptor("O:S-1-5-21-1-2-3-500G:DU").value(),
              (SecurityDescriptor{.owner = "S-1-5-21-1-2-3-500", .group = "DU", .entries = {}}));
    EXPECT_EQ(parse_security_descriptor("O:LA")->owner, "LA") << "of this computer, whose SID is not known here";
    const auto empty = parse_security_descriptor("D:").value();
    EXPECT_TRUE(empty.has_access_list) << "nobody may do anything";
    EXPECT_THAT(empty.entries, IsEmpty());
    EXPECT_FALSE(parse_security_descriptor("O:SYD:NO_ACCESS_CONTROL")->has_access_list);
    EXPECT_FALSE(parse_security_descriptor("D:ARAI(A;;FA;;;SY)")->is_protected);
    EXPECT_EQ(parse_security_descriptor("D:(A;;FA;;;SY)S:AI(ML;;NW;;;LW)(RA;;;;;WD;(\"x\"))")->entries.size(), 1U)
        << "an audit list is not looked at";
    EXPECT_EQ(parse_security_descriptor("O:S-1-0x10000000000-7")->owner, "S-1-0x10000000000-7");
    EXPECT_EQ(parse_security_descriptor("O:UDD:")->owner, "S-1-5-84-0-0-0-0-0");
}

TEST(SecurityDescriptor, AccessRightsAreLettersOrANumber) {
    const auto mask = [](const std::string& rights) {
        return parse_security_descriptor("D:(A;;" + rights + ";;;SY)")->entries.at(0).mask;
    };
    EXPECT_EQ(mask("GRGWGXGA"), 0xF0000000);
    EXPECT_EQ(mask("CCDCLCSWRPWPDTLOCRSDRCWDWO"), 0x000F01FFU);
    EXPECT_EQ(mask("0x1F01FF"), file_all_access);
    EXPECT_EQ(mask("2032127"), file_all_access);
    EXPECT_EQ(mask("0777"), 0777U);
    EXPECT_EQ(mask("0"), 0U);
    EXPECT_EQ(mask(""), 0U);
    EXPECT_EQ(mask("0xFFFFFFFF"), 0xFFFFFFFFU);
}

TEST(SecurityDescriptor, EntriesWithConditionsAndForObjectsAreNeitherAllowNorDeny) {
    const auto entries =
        parse_security_descriptor(
            R"(D:(XA;;FX;;;S-1-1-0;(@User.Title=="P)M" && (Member_of {SID(BA)})))(OA;;CR;00299570-246d-11d0-a768-00aa006e0529;;AU)(A;;FA;;;SY))")
            ->entries;
    ASSERT_EQ(entries.size(), 3U);
    EXPECT_EQ(entries[0], (AccessEntry{AccessType::other, 0, file_execute, "S-1-1-0"}));
    EXPECT_EQ(entries[1], (AccessEntry{AccessType::other, 0, 0x100, "S-1-5-11"}));
    EXPECT_EQ(entries[2].type, allow);
}

TEST(SecurityDescriptor, SaysWhereWhatWasExpected) {
    const std::pair<std::string, const char*> cases[] = {
        {"drwxr-xr-x", "O:, G:, D: or S: at character 1"},
        {"O", "O:, G:, D: or S: at character 1"},
        {"O:", "a SID or its two letters at character 3"},
        {"O::", "a SID or its two letters at character 3"},
        {"O:XY", "a SID or its two letters at character 3"},
        {"O:sy", "a SID or its two letters at character 3"},
        {"O:SYO:SY", "once, in this order at character 5"},
        {"D:O:SY", "once, in this order at character 3"},
        {"O:S-1-", "a SID"},
        {"O:S-1-5", "a SID"},
        {"O:S-2-5-18", "a SID"},
        {"O:S-1-5-", "a SID"},
        {"O:S-1-5--18", "a SID"},
        {"O:S-1-5-4294967296", "a SID"},
        {"O:S-1-99999999999999999999-1", "a SID"},
        {"O:S-1-0x1000000000000-1", "a SID"},
        {"O:S-1-5-1-2-3-4-5-6-7-8-9-10-11-12-13-14-15-16", "a SID"},
        {"D:X", "O:, G:, D: or S: at character 3"},
        {"D:(", "six fields"},
        {"D:()", "six fields"},
        {"D:(A;;FA;;;SY", "the ) of an entry at character 14"},
        {"D:(A;;FA;;SY)", "six fields"},
        {"D:(;;FA;;;SY)", "the type of an entry"},
        {"D:(A;QQ;FA;;;SY)", "flags of an entry, as OICI at character 6"},
        {"D:(A;OIC;FA;;;SY)", "flags of an entry"},
        {"D:(A;;F;;;SY)", "access rights, as FA or 0x1301bf at character 7"},
        {"D:(A;;0x;;;SY)", "access rights"},
        {"D:(A;;0x100000000;;;SY)", "access rights"},
        {"D:(A;;08;;;SY)", "access rights"},
        {"D:(A;;-1;;;SY)", "access rights"},
        {"D:(A;;FA;;;)", "a SID or its two letters at character 12"},
        {"D:(XA;;FA;;;SY;(x)", "the ) of an entry"},
        {"D:(XA;;FA;;;SY;\")", "the ) of an entry"},
        {"D:(A;;FA;;;SY)x", "O:, G:, D: or S: at character 15"},
        {std::string("O:S\0Y", 5), "a SID"},
    };
    for (const auto& [text, expected] : cases) {
        const auto result = parse_security_descriptor(text);
        ASSERT_FALSE(result) << text;
        EXPECT_EQ(result.error().kind, ErrorKind::invalid) << text;
        EXPECT_THAT(result.error().message, HasSubstr(expected)) << text;
    }
}

TEST(SecurityDescriptor, LongTextTakesNoLongTime) {
    std::string text = "D:";
    while (text.size() < (1 << 20) - 64) text += "(A;OICIID;0x1f01ff;;;S-1-5-21-1-2-3-1000)";
    const auto start = std::chrono::steady_clock::now();
    EXPECT_GT(parse_security_descriptor(text)->entries.size(), 20'000U);
    EXPECT_FALSE(parse_security_descriptor("D:" + std::string(1'000'000, '(')));
    EXPECT_FALSE(parse_security_descriptor("O:" + std::string(1'000'000, '-')));
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
    EXPECT_EQ(parse_security_descriptor(std::string((1 << 20) + 1, 'O')).error().kind, ErrorKind::too_large);
}

TEST(SecurityDescriptor, OfAFileMeansTheSameInOtherWords) {
    const auto same = [](const char* one, const char* other) {
        return same_file_security(parse_security_descriptor(one).value(), parse_security_descriptor(other).value());
    };
    EXPECT_TRUE(same("O:BAD:P(A;;GA;;;SY)", "O:S-1-5-32-544D:PAI(A;;0x1f01ff;;;S-1-5-18)"));
    EXPECT_TRUE(same("D:(A;;GRGX;;;WD)", "D:(A;;FRFX;;;WD)"));
    EXPECT_FALSE(same("D:(A;;GR;;;WD)", "D:(A;;GW;;;WD)"));
    EXPECT_FALSE(same("D:P(A;;FA;;;WD)", "D:(A;;FA;;;WD)"));
    EXPECT_FALSE(same("D:(D;;FA;;;WD)(A;;FA;;;SY)", "D:(A;;FA;;;SY)(D;;FA;;;WD)")) << "the order matters";
    EXPECT_FALSE(same("O:SY", "O:BA"));
}

}  // namespace
}  // namespace machine::security_descriptor_test
