#include "edge/management/module_spec.h"

#include <gtest/gtest.h>

namespace selvage::edge::management {
namespace {

TEST(ModuleSpec, ReadsWhatEdgeAgentSends) {
    const auto body = parse_json(R"({"name":"m1","type":"docker","imagePullPolicy":"On-Create","config":{"settings":{
        "image":"reg.io/m1:1","createOptions":{"HostConfig":{"Binds":["/a:/b"]}},"digest":null,
        "auth":{"username":"u","password":"p","serveraddress":"reg.io"}},
        "env":[{"key":"A","value":"1"},{"key":"B","value":""}]}})");
    const auto spec = parse_module_spec(*body);
    ASSERT_TRUE(spec) << spec.error().detail;
    EXPECT_EQ(spec->name, "m1");
    EXPECT_EQ(spec->image_pull_policy, ImagePullPolicy::on_create);
    EXPECT_EQ(spec->image, "reg.io/m1:1");
    EXPECT_EQ(spec->digest, "");
    EXPECT_EQ(to_text(spec->create_options), R"({"HostConfig":{"Binds":["/a:/b"]}})");
    EXPECT_EQ(find_text(spec->registry_auth, "password"), "p");
    ASSERT_EQ(spec->env.size(), 2u);
    EXPECT_EQ(spec->env[1].first, "B");
}

TEST(ModuleSpec, SurvivesWritingAndReading) {
    ModuleSpec spec{.name = "m", .image_pull_policy = ImagePullPolicy::never, .image = "i:1", .digest = "sha256:a"};
    spec.create_options = {{"Tty", true}};
    spec.registry_auth = {{"username", "u"}};
    spec.env = {{"K", "V"}};
    const auto again = parse_module_spec(Json(to_json(spec)));
    ASSERT_TRUE(again);
    EXPECT_EQ(to_text(to_json(*again)), to_text(to_json(spec)));
}

TEST(ModuleSpec, EchoesNoPassword) {
    ModuleSpec spec{.name = "m", .image = "i"};
    spec.registry_auth = {{"password", "hush"}};
    EXPECT_EQ(to_text(config_to_json(spec)).find("hush"), std::string::npos);
}

TEST(ModuleSpec, RefusesWithTheDaemonsWords) {
    struct Row {
        const char* name;
        const char* body;
        Errc code;
        const char* words;
    };
    const Row rows[] = {
        {"no object", "[]", Errc::malformed, "object"},
        {"no name", R"({"type":"docker","config":{"settings":{"image":"i"}}})", Errc::malformed, "missing field `name`"},
        {"no config", R"({"name":"m","type":"docker"})", Errc::malformed, "missing field `config`"},
        {"no settings", R"({"name":"m","type":"docker","config":{}})", Errc::malformed, "missing field `settings`"},
        {"blank name", R"({"name":" ","type":"docker","config":{"settings":{"image":"i"}}})", Errc::invalid_argument,
         "module name cannot be empty"},
        {"blank type", R"({"name":"m","type":"","config":{"settings":{"image":"i"}}})", Errc::invalid_argument,
         "module type cannot be empty"},
        {"policy", R"({"name":"m","type":"docker","imagePullPolicy":"always","config":{"settings":{"image":"i"}}})",
         Errc::invalid_argument, "invalid imagePullPolicy"},
        {"no image", R"({"name":"m","type":"docker","config":{"settings":{}}})", Errc::invalid_argument,
         "invalid Docker config: `image`"},
        {"options as text", R"({"name":"m","type":"docker","config":{"settings":{"image":"i","createOptions":"{}"}}})",
         Errc::invalid_argument, "invalid Docker config: `createOptions`"},
        {"twice", R"({"name":"m","type":"docker","config":{"settings":{"image":"i"},"env":[{"key":"A","value":"1"},{"key":"A","value":"2"}]}})",
         Errc::invalid_argument, "duplicate env var key: A"},
    };
    for (const Row& row : rows) {
        const auto spec = parse_module_spec(*parse_json(row.body));
        ASSERT_FALSE(spec) << row.name;
        EXPECT_EQ(spec.error().code, row.code) << row.name;
        EXPECT_NE(spec.error().detail.find(row.words), std::string::npos) << row.name << ": " << spec.error().detail;
    }
}

}  // namespace
}  // namespace selvage::edge::management
