/* test_schema_cases.c: schemas that are refused, and texts that a schema allows or does not. */
#include "constrained.h"
#include "generate/json_schema.h"
#include "text/printed.h"

/* What is refused, and how it is said. */
static void
test_refused(void **state)
{
    static const struct {
        const char *schema, *says;
    } bad[] = {
        {"{\"type\":\"object\",\"properties\":{\"a/b\":{\"type\":\"number\",\"multipleOf\":2}}}",
         "s: #/properties/a~1b: 'multipleOf' is not supported"},
        {"{\"oneOf\":[{\"type\":\"null\"}]}",
         "s: #: 'oneOf' is not supported; if its alternatives exclude each other, write anyOf"},
        {"{\"type\":\"array\",\"items\":{\"anyOf\":[{\"type\":\"null\"},{\"type\":\"x\"}]}}",
         "s: #/items/anyOf/1: there is no type 'x'"},
        {"{\"type\":\"array\",\"minItems\":3,\"maxItems\":2,\"items\":{\"type\":\"null\"}}",
         "s: #: 'maxItems' is below 'minItems': no value is valid"},
        {"{\"type\":\"array\"}", "s: #: 'items' is missing: arrays of anything are not supported"},
        {"{\"type\":\"array\",\"items\":{},\"uniqueItems\":true}",
         "s: #: 'uniqueItems' is not supported"},
        {"{\"type\":\"integer\",\"minimum\":0.2,\"maximum\":0.9}",
         "s: #: no whole number is between its limits"},
        {"{\"type\":\"number\",\"minimum\":0}",
         "s: #: 'minimum' is supported for type integer only"},
        {"{\"type\":\"string\",\"pattern\":\"(a)\\\\1\"}",
         "s: #: 'pattern': byte 3: \\1: back-references are not supported"},
        {"{\"type\":\"string\",\"pattern\":\"a{9}\",\"maxLength\":8}", "s: no text matches it"},
        {"{\"type\":\"string\",\"pattern\":\"a{200}\",\"maxLength\":90}",
         "s: #: 'pattern' is too large beside 'minLength' or 'maxLength': its characters times "
         "their number are more than 16384"},
        {"{\"type\":\"string\",\"minLength\":-1}",
         "s: #: 'minLength' is no whole number from 0 to 1073741824"},
        {"{\"type\":\"object\",\"required\":[\"a\"]}",
         "s: #: 'required' has a name that is not in 'properties'"},
        {"{\"type\":\"object\",\"required\":[1]}", "s: #: 'required' is no list of names"},
        {"{\"type\":\"object\",\"additionalProperties\":{}}",
         "s: #: 'additionalProperties' is supported as true or false only"},
        {"{\"type\":\"object\",\"properties\":{\"a\":false},\"required\":[\"a\"]}",
         "s: no text matches it"},
        {"{\"enum\":[]}", "s: #: 'enum' has no value that is valid"},
        {"{\"type\":\"string\",\"enum\":[1]}", "s: #: 'enum' has no value that is valid"},
        {"{\"type\":\"string\",\"enum\":[\"a\"],\"maxLength\":1}",
         "s: #: 'maxLength' beside 'enum' or 'const' is not supported"},
        {"{\"anyOf\":[{\"type\":\"null\"}],\"type\":\"null\"}",
         "s: #: 'type' beside 'anyOf' is not supported"},
        {"{\"allOf\":[{\"type\":\"null\"},{\"type\":\"null\"}]}",
         "s: #: 'allOf' is supported with one schema only"},
        {"{\"$ref\":\"#/x\"}", "s: #: '$ref': there is no '#/x'"},
        {"{\"$ref\":\"http://a/b\"}",
         "s: #: '$ref' names nothing inside the file: expected # or #/..."},
        {"{\"$ref\":\"#\"}", "s: #: '$ref' leads to more than 256 references, or to itself"},
        {"{\"$ref\":\"#/$defs/a\",\"$defs\":{\"a\":{\"type\":\"array\",\"minItems\":1,"
         "\"items\":{\"$ref\":\"#/$defs/a\"}}}}",
         "s: no text matches it"},
        {"{\"$ref\":\"#/$defs/a\",\"$defs\":{\"a\":{\"not\":{}}}}",
         "s: #/$defs/a: 'not' is not supported"},
        {"{}", "s: #: a schema without 'type', 'enum', 'const', 'anyOf' and '$ref', for any value, "
               "is not supported"},
        {"true", "s: #: true, for any value, is not supported"},
        {"[]", "s: #: not a schema: expected an object"},
        {"{", "s: byte 1: end of text inside an object"},
    };
    (void)state;
    for (size_t i = 0; i < T5G_LEN(bad); i++) {
        struct t5g_err e = {0};
        assert_null(t5g_json_schema_parse(bad[i].schema, strlen(bad[i].schema), "s", &e));
        assert_string_equal(e.msg, bad[i].says);
        assert_int_equal(e.code, T5G_EX_DATA);
    }
}

/* A token that prints this byte alone. */
static int32_t
byte_id(uint8_t byte)
{
    size_t n;
    for (int32_t id = 2;; id++) {
        const char *s = t5g_printed(tokenizer, id, &n);
        if (n == 1 && (uint8_t)*s == byte)
            return id;
    }
}

/* A text that a schema allows, byte by byte, or not. */
static void
check(const char *schema, const char *answer, bool good)
{
    struct t5g_constraint *c = schema_constraint(schema);
    struct t5g_place at = {0};
    int32_t *ids = t5g_alloc(strlen(answer), sizeof *ids);
    bool allowed = true;
    size_t n = 0;
    for (; answer[n] != '\0' && allowed; n++) {
        ids[n] = byte_id((uint8_t)answer[n]);
        allowed = t5g_allowed_has(t5g_constraint_allowed(c, &at, ids, n), ids[n]);
    }
    if (allowed)
        allowed = t5g_allowed_has(t5g_constraint_allowed(c, &at, ids, n), 1);
    if (allowed != good)
        fail_msg("%s: %s", schema, answer);
    t5g_free(ids);
    t5g_constraint_close(c);
}

static void
test_texts(void **state)
{
    static const char tree[] = "{\"type\":\"object\",\"properties\":{\"k\":{\"type\":\"array\","
                               "\"items\":{\"$ref\":\"#\"}}}}";
    (void)state;
    check("{\"type\":\"string\"}", "\"\\ud83d\\uDE00\\u0000\\/\"", true);
    check("{\"type\":\"string\"}", "\"\\ud83dx\"", false);
    check("{\"type\":\"string\"}", "\"\\udc00\"", false);
    check("{\"type\":\"string\"}", "\"\xed\xa0\x80\"", false);
    check("{\"type\":\"string\"}", "\"\n\"", false);
    check("{\"type\":\"string\",\"minLength\":2,\"maxLength\":2}", "\"\\ud83d\\ude00é\"", true);
    check("{\"type\":\"string\",\"pattern\":\"b$\"}", "\"\\n水\\u0062\"", true);
    check("{\"type\":\"string\",\"pattern\":\"b$\"}", "\"ba\"", false);
    static const char counted[] =
        "{\"type\":\"string\",\"pattern\":\"b+c|^d\",\"minLength\":3,\"maxLength\":5}";
    check(counted, "\"bbc\"", true);
    check(counted, "\"éb\\u0063水\"", true);
    check(counted, "\"dxx\"", true);
    check(counted, "\"xdxbc\"", true);
    check(counted, "\"bc\"", false);
    check(counted, "\"xxxxbc\"", false);
    check(counted, "\"xdx\"", false);
    check("{\"type\":\"string\",\"pattern\":\"b$\",\"minLength\":3}", "\"xxxxxxb\"", true);
    check("{\"type\":\"string\",\"pattern\":\"b$\",\"minLength\":3}", "\"xb\"", false);
    check("{\"type\":\"integer\"}", "-0", false);
    check("{\"type\":\"integer\"}", "99999999999999999", true);
    check("{\"type\":\"integer\"}", "100000000000000000", false);
    check("{\"type\":\"number\"}", "-0.50e-07", true);
    check("{\"type\":\"number\"}", "01", false);
    check("{\"type\":\"number\"}", "1.", false);
    check(tree, "{\"k\":[{},{\"k\":[{\"k\":[]}]}]}", true);
    check(tree, "{\"k\":[{},{\"k\":[{\"k\":[]]}]}", false);
    check(tree, "{ }", false);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_texts),
    };
    return cmocka_run_group_tests(tests, open_tiny, close_tiny);
}
