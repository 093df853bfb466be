#include "remediations/knowledge/extension/python_imports.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace remediations::python_imports_test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> modules_in(std::string_view source) {
    std::vector<std::string> modules;
    for (const auto& import : unguarded_imports(source)) modules.push_back(import.module);
    return modules;
}

TEST(PythonImports, FindsWhatRunsOnEveryStart) {
    EXPECT_THAT(modules_in("import os, imp as i\nfrom distutils.version import LooseVersion\nimport a; import b\n"),
                ElementsAre("os", "imp", "distutils.version", "a", "b"));
    EXPECT_THAT(modules_in("class A:\n    import imp\n"), ElementsAre("imp"));
    EXPECT_THAT(modules_in("import \\\n    imp\n"), ElementsAre("imp"));
    EXPECT_THAT(modules_in("from x import (a,  # first\n    b)\r\nimport imp\r\n"), ElementsAre("x", "imp"));
}

TEST(PythonImports, TellsWhereAndWhat) {
    const auto found =
        unguarded_imports("# -*- coding: utf-8 -*-\n'''text\nof two lines'''\nfrom Utils import A, B as C\n");
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].line, 4U);
    EXPECT_THAT(found[0].names, ElementsAre("A", "B"));
    EXPECT_EQ(found[0].text, "from Utils import A, B as C");
}

TEST(PythonImports, LeavesOutStringsAndComments) {
    EXPECT_THAT(modules_in("a = \"\"\"\\\nimport imp\n\"\"\"\nb = r'''\nimport imp\\'''\n# import imp\n'''"),
                IsEmpty());
    EXPECT_THAT(modules_in("a = 'it\\'s'\nimport os\n"), ElementsAre("os"));
    EXPECT_THAT(modules_in("a = ('x'\n'import imp'\n)\nimport os"), ElementsAre("os"));
    EXPECT_THAT(modules_in("\"\"\"docs ' \"\"\"; import os\n"), ElementsAre("os"));
}

TEST(PythonImports, LeavesOutWhatMayNotRun) {
    EXPECT_THAT(modules_in("def f():\n    import imp\nasync def g():\n  import imp\nimport os\n"), ElementsAre("os"));
    EXPECT_THAT(modules_in("if old:\n    import imp\nelse:\n    import importlib\nif old: import imp\n"), IsEmpty());
    EXPECT_THAT(modules_in("def f(a,\n      b):\n    x = 1\n\n    import imp\n"), IsEmpty());
}

TEST(PythonImports, AHandlerCatchesOnlyWhatItNames) {
    EXPECT_THAT(modules_in("try:\n    import imp\nexcept ImportError:\n    import importlib\n"), IsEmpty());
    EXPECT_THAT(modules_in("try: import imp\nexcept: pass\n"), IsEmpty());
    EXPECT_THAT(modules_in("try:\n    import imp\nexcept (OSError, Exception) as e:\n    pass\n"), IsEmpty());
    EXPECT_THAT(modules_in("try:\n    import imp\nexcept OSError:\n    pass\nimport os\n"), ElementsAre("imp", "os"));
    EXPECT_THAT(modules_in("try:\n    import imp\nfinally:\n    pass\n"), ElementsAre("imp"));
    EXPECT_THAT(modules_in("try:\n  try:\n    import imp\n  except OSError:\n    pass\nexcept ImportError:\n  pass\n"),
                IsEmpty());
}

TEST(PythonImports, TakesAnything) {
    for (const auto* source : {"", "\\", "'", "\"\"\"", "from", "import", "from . import x", "try", "except:", "((((",
                               "\t\tx:\n", "from x", "import ,,", "class\n", "\xff\xfe\x00"}) {
        EXPECT_NO_THROW(unguarded_imports(source)) << source;
    }
    std::string deep;
    for (std::size_t level = 0; level < 400; ++level) deep += std::string(level, ' ') + "class A:\n";
    EXPECT_NO_THROW(unguarded_imports(deep + std::string(400, ' ') + "import imp\n"));
    std::string many;
    for (int number = 0; number < 3000; ++number) many += "import os\n";
    EXPECT_EQ(unguarded_imports(many).size(), 1000U);
}

}  // namespace
}  // namespace remediations::python_imports_test
