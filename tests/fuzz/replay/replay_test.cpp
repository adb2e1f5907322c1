// Every seed and every input that once broke a fuzz target, through that target, as an ordinary test: what is mended stays so.
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#define TARGET(name) extern "C" int fuzz_##name(const std::uint8_t* data, std::size_t size);
#include "fuzz_targets.inc"
#undef TARGET

namespace {

struct Target {
    const char* name;
    int (*run)(const std::uint8_t* data, std::size_t size);
};
constexpr Target kTargets[] = {
#define TARGET(name) {#name, fuzz_##name},
#include "fuzz_targets.inc"
#undef TARGET
};

// A broken promise ends the process: then the input's name is the last line.
std::string current_input;
void name_input(int) {
    const std::string line = "while replaying " + current_input + "\n";
    static_cast<void>(::write(STDERR_FILENO, line.data(), line.size()));
    std::signal(SIGABRT, SIG_DFL);
    std::abort();
}

std::vector<std::filesystem::path> inputs_of(const char* target) {
    std::vector<std::filesystem::path> inputs;
    for (const char* folder : {"corpus", "regressions"}) {
        const auto path = std::filesystem::path(SELVAGE_FUZZ_FOLDER) / folder / target;
        if (!std::filesystem::is_directory(path)) continue;
        for (const auto& entry : std::filesystem::directory_iterator(path)) inputs.push_back(entry.path());
    }
    return inputs;
}

class FuzzReplay : public ::testing::TestWithParam<Target> {};

TEST_P(FuzzReplay, TakesEverySeedAndEveryFormerCrash) {
    const auto inputs = inputs_of(GetParam().name);
    EXPECT_FALSE(inputs.empty()) << "a target without seeds begins at nothing: add some to tests/fuzz/corpus";
    std::signal(SIGABRT, name_input);
    for (const auto& path : inputs) {
        current_input = path.string();
        std::ifstream file(path, std::ios::binary);
        const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
        EXPECT_EQ(GetParam().run(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()), 0) << path;
    }
    std::signal(SIGABRT, SIG_DFL);
}

INSTANTIATE_TEST_SUITE_P(Targets, FuzzReplay, ::testing::ValuesIn(kTargets),
                         [](const auto& tested) { return std::string(tested.param.name); });

}  // namespace
