#include "remediations/knowledge/agent/agent_events.hpp"

#include <gtest/gtest.h>

namespace remediations::agent_events_test {
namespace {

TEST(ExceptionIn, FindsTheFirstInAnyLanguage) {
    EXPECT_EQ(exception_in("Application: WaAppAgent.exe\nException Info: System.IO.FileLoadException\n   at X"),
              "System.IO.FileLoadException");
    EXPECT_EQ(exception_in("Ausnahmeinformationen: System.DllNotFoundException\n bei A.B.init_lib(Byte)"),
              "System.DllNotFoundException");
    EXPECT_EQ(exception_in("\xE4\xBE\x8B\xE5\xA4\x96 System.ExceptionThing System.BadImageFormatException"),
              "System.BadImageFormatException");
    EXPECT_EQ(exception_in("x System.OutOfMemoryException"), "System.OutOfMemoryException");
}

TEST(ExceptionIn, IsEmptyWithoutOne) {
    for (const auto* text : {"", "Exception", "Exception Info:", "no such thing", "ExceptionExceptionException1"}) {
        EXPECT_EQ(exception_in(text), "") << text;
    }
    EXPECT_EQ(exception_in(std::string(100'000, 'x')), "");
}

}  // namespace
}  // namespace remediations::agent_events_test
