#include "handler/cli/arguments.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "remediations/engine/catalogue.hpp"

namespace handler::arguments_test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string first_id() {
    return remediations::catalogue().front()->id;
}
std::string second_id() {
    return remediations::catalogue()[1]->id;
}

std::string error_of(const std::vector<std::string>& words) {
    const auto parsed = parse_arguments(words);
    return parsed ? "accepted" : parsed.error().message;
}

TEST(Arguments, AreReadInBothSpellings) {
    const auto parsed = parse_arguments({"fix", "--format=json", "--only", first_id() + "," + second_id(), "--dry-run",
                                         "--max-disruption", "workload", "--error-code", "X"});
    ASSERT_TRUE(parsed) << parsed.error().message;
    EXPECT_EQ(parsed->command, CommandName::fix);
    EXPECT_EQ(parsed->format, Format::json);
    EXPECT_THAT(parsed->only, ElementsAre(first_id(), second_id()));
    EXPECT_TRUE(parsed->dry_run);
    EXPECT_EQ(parsed->max_disruption, remediations::Disruption::workload);
    EXPECT_EQ(parsed->error_code, "X");
}

TEST(Arguments, HaveCarefulDefaults) {
    const auto parsed = parse_arguments({"diagnose"});
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->format, Format::text);
    EXPECT_EQ(parsed->color, Color::automatic);
    EXPECT_EQ(parsed->max_disruption, remediations::Disruption::service_restart);
    EXPECT_FALSE(parsed->dry_run);
}

TEST(Arguments, TakeAnOperandWhereThereIsOne) {
    EXPECT_EQ(parse_arguments({"undo", "20261121T014907Z-0001"})->operand, "20261121T014907Z-0001");
    EXPECT_EQ(parse_arguments({"undo"})->operand, "");
    EXPECT_EQ(parse_arguments({"explain", "121", "--format", "json"})->operand, "121");
    EXPECT_EQ(parse_arguments({"explain", "VSS", "12366"})->operand, "VSS 12366");
    EXPECT_EQ(parse_arguments({"explain", "-2147212538"})->operand, "-2147212538");
    EXPECT_EQ(error_of({"explain"}), "'explain' needs CODE|ID");
    EXPECT_EQ(error_of({"diagnose", "now"}), "'now' was not expected ('diagnose' takes only options)");
    EXPECT_EQ(error_of({"undo", "one", "two"}), "'two' was not expected ('undo' takes [RUN])");
}

TEST(Arguments, AskForHelpAnywhere) {
    for (const auto& words : {std::vector<std::string>{"fix", "--dry-run", "--help"}, {"fix", "-h"}, {"help", "fix"}}) {
        const auto parsed = parse_arguments(words);
        ASSERT_TRUE(parsed);
        EXPECT_EQ(parsed->command, CommandName::help);
        EXPECT_EQ(parsed->operand, "fix");
    }
    EXPECT_EQ(parse_arguments({"--help"})->operand, "");
    EXPECT_EQ(parse_arguments({"--version"})->command, CommandName::version);
}

TEST(Arguments, AreRefusedWithWhatWasExpected) {
    EXPECT_THAT(error_of({"completion", "bsh"}),
                HasSubstr("'bsh' is none of bash, zsh, powershell; did you mean bash or zsh?"));
    EXPECT_EQ(error_of({"completion"}), "'completion' needs SHELL");
    EXPECT_EQ(parse_arguments({})->command, CommandName::welcome);
    EXPECT_THAT(error_of({"diagnoes"}), HasSubstr("'diagnoes' is no command; did you mean diagnose?"));
    EXPECT_THAT(error_of({"diagnose", "--fromat", "json"}), HasSubstr("did you mean --format?"));
    EXPECT_EQ(error_of({"diagnose", "--dry-run"}), "--dry-run does not go with 'diagnose' (it goes with fix)");
    EXPECT_EQ(error_of({"diagnose", "--format"}), "--format needs a value: FORMAT");
    EXPECT_EQ(error_of({"diagnose", "--format", "--color"}), "--format needs a value: FORMAT");
    EXPECT_EQ(error_of({"diagnose", "--format", "jsno"}),
              "--format: 'jsno' is none of text, json, html, markdown, csv; did you mean json?");
    EXPECT_EQ(error_of({"diagnose", "--format=json", "--format", "text"}), "--format is given twice");
    EXPECT_EQ(error_of({"rehearse", "--include-system", "--include-system"}), "--include-system is given twice");
    EXPECT_EQ(error_of({"rehearse", "--mount", "data"}), "--mount: 'data' is no absolute path");
    EXPECT_EQ(error_of({"fix", "--mount", "/data"}), "--mount does not go with 'fix' (it goes with rehearse)");
    EXPECT_EQ(error_of({"fix", "--dry-run=yes"}), "--dry-run takes no value");
    EXPECT_EQ(error_of({"diagnose", "--error-code", ""}), "--error-code: the value is empty");
    EXPECT_THAT(error_of({"fix", "--max-disruption", "all"}),
                HasSubstr("'all' is none of none, agent-restart, service-restart, workload"));
    EXPECT_EQ(error_of({"capture"}), "'capture' needs --output DIR");
    EXPECT_THAT(error_of({"fix", "--capture", "/x"}), HasSubstr("add --dry-run"));
    EXPECT_THAT(error_of({"diagnose", "--only", first_id(), "--exclude", first_id()}),
                HasSubstr("is in both --only and --exclude"));
    EXPECT_EQ(error_of({"guard", "no"}), "'no' is none of on, off, status");
    EXPECT_EQ(error_of({"guard", "on", "--hours", "25"}), "--hours: '25' is no number of hours from 1 to 24");
    EXPECT_EQ(error_of({"guard", "on", "--hours", "1h"}), "--hours: '1h' is no number of hours from 1 to 24");
    EXPECT_THAT(error_of({"help", "restore"}), HasSubstr("'restore' is no command"));
}

TEST(Arguments, AskAzureOnlyWhereItIsSaid) {
    const std::string vm = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/v";
    const std::string vault = "/subscriptions/s/resourceGroups/g/providers/Microsoft.RecoveryServices/vaults/v";
    EXPECT_FALSE(parse_arguments({"diagnose"})->azure);
    EXPECT_TRUE(parse_arguments({"diagnose", "--azure", "--vault", vault})->azure);
    const auto outside = parse_arguments({"diagnose", "--vm", vm, "--token", "-"});
    ASSERT_TRUE(outside) << outside.error().message;
    EXPECT_TRUE(outside->token_on_input);
    EXPECT_EQ(parse_arguments({"prove", "--within", "24", "--wait=vault"})->within, std::chrono::hours(24));
    EXPECT_THAT(error_of({"diagnose", "--vm", vm, "--token", "eyJ0"}), HasSubstr("seen by others"));
    EXPECT_EQ(error_of({"diagnose", "--vm", vm}), "--vm needs --token -");
    EXPECT_THAT(error_of({"diagnose", "--vm", "vm1", "--token", "-"}), HasSubstr("--vm: expected /subscriptions/"));
    EXPECT_THAT(error_of({"diagnose", "--vm", vm, "--token", "-", "--azure"}), HasSubstr("neither with --azure"));
    EXPECT_THAT(error_of({"diagnose", "--vault", vault}), HasSubstr("need --azure or --token -"));
    EXPECT_THAT(error_of({"access", "--token", "-", "--identity", "x"}), HasSubstr("exclude each other"));
    EXPECT_THAT(error_of({"access", "--cloud", "AzureChina"}), HasSubstr("did you mean AzureChinaCloud?"));
    EXPECT_THAT(error_of({"diagnose", "--azure", "--capture", "x"}), HasSubstr("is in the capture"));
    EXPECT_EQ(error_of({"fix", "--vm", vm}), "--vm needs --token -");
    EXPECT_EQ(error_of({"fix", "--token", "-"}), "'fix' takes --token with --vm alone");
    EXPECT_EQ(error_of({"undo", "--token", "-"}), "'undo' takes --token with --vm alone");
    EXPECT_EQ(error_of({"fix", "--azure", "--allow", "/subscriptions/s/x"}), "--allow needs --vm VM-ID --token -");
    EXPECT_THAT(error_of({"fix", "--vm", vm, "--token", "-", "--allow", "lock"}), HasSubstr("expected a resource id"));
    const auto unlock = parse_arguments(
        {"fix", "--vm", vm, "--token", "-", "--allow", "/subscriptions/a", "--allow", "/subscriptions/b"});
    ASSERT_TRUE(unlock) << unlock.error().message;
    EXPECT_EQ(unlock->allow, (std::vector<std::string>{"/subscriptions/a", "/subscriptions/b"}));

    const auto whole = parse_arguments({"diagnose", "--vault", vault, "--token", "-", "--format", "csv"});
    ASSERT_TRUE(whole) << whole.error().message;
    EXPECT_TRUE(whole->is_about_vault());
    EXPECT_FALSE(parse_arguments({"diagnose", "--vault", vault, "--token", "-", "--azure"})->is_about_vault());
    EXPECT_FALSE(parse_arguments({"diagnose", "--vault", vault, "--token", "-", "--vm", vm})->is_about_vault());
    EXPECT_FALSE(parse_arguments({"access", "--vault", vault, "--token", "-"})->is_about_vault());
    EXPECT_THAT(error_of({"diagnose", "--format", "csv"}), HasSubstr("goes with 'diagnose --vault"));
    EXPECT_THAT(error_of({"diagnose", "--vault", vault, "--token", "-", "--format", "html"}), HasSubstr("one VM"));
    EXPECT_THAT(error_of({"diagnose", "--vault", vault, "--token", "-", "--error-code", "x"}), HasSubstr("one VM"));
    for (const std::string hours : {"0", "49", "x", "3h", ""}) {
        EXPECT_NE(error_of({"prove", "--within", hours}), "accepted") << hours;
    }
}

TEST(Arguments, NameNearMissesOfRemediations) {
    const auto misspelt = first_id().substr(0, first_id().size() - 1);
    EXPECT_THAT(error_of({"diagnose", "--only", misspelt}), HasSubstr("did you mean " + first_id()));
    EXPECT_THAT(error_of({"diagnose", "--exclude", first_id() + ","}), HasSubstr("'' is no remediation"));
}

TEST(Arguments, CannotDriveTheTerminalThroughTheirOwnErrorMessage) {
    EXPECT_THAT(error_of({"\x1b[2J"}), HasSubstr("'\\x1b[2J' is no command"));
}

TEST(Help, TeachesEveryCommand) {
    const auto general = help("", {});
    for (const std::string command : {"diagnose", "fix", "undo", "history", "list", "explain", "capture", "guard",
                                      "access", "prove", "completion", "manual"}) {
        EXPECT_THAT(general, HasSubstr("\n  " + command));
        const auto special = help(command, {});
        EXPECT_THAT(special, HasSubstr("backup-remediation " + command));
        EXPECT_THAT(special, HasSubstr("Examples:"));
        EXPECT_THAT(special, HasSubstr("Exit codes:"));
    }
}

}  // namespace
}  // namespace handler::arguments_test
