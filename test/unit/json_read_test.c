/*-------------------------------------------------------------------------
 *
 * json_read_test.c
 *	  Objects are read member by member, and what is no JSON is refused.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include "json_read.h"
#include "unit.h"

/* all that is read of a text, as one line; an error is its place and text */
static const char *
read_all(const char *text)
{
	static char out[4096];
	static const char *const kinds[] = {"null", "false", "true", "number", "string", "object", "array"};
	Size		len = strlen(text);
	char	   *exact = malloc(len);	/* the sanitizer sees what is read
										 * behind it */
	StashJsonReader reader;
	StashJsonMember member;
	char	   *to = out;

	memcpy(exact, text, len);
	*to = '\0';
	if (stash_json_open(&reader, exact, len))
	{
		while (stash_json_next(&reader, &member))
		{
			char		buffer[1024];
			Size		n = 0;

			to += sprintf(to, "%.*s=%s:", (int) member.key.len, member.key.data, kinds[member.kind]);
			if (!member.value.is_escaped)
				to += sprintf(to, "%.*s;", (int) member.value.len, member.value.data);
			else if (stash_json_unescape(&member.value, buffer, &n))
				to += sprintf(to, "<%.*s>;", (int) n, buffer);
			else
				to += sprintf(to, "no text;");
		}
	}
	if (reader.error != NULL)
		sprintf(to, "at %d: %s", (int) (reader.at - exact), reader.error);
	free(exact);
	return out;
}

static void
check(const char *text, const char *expected)
{
	const char *got = read_all(text);

	unit_check(strcmp(got, expected) == 0, text, __FILE__, __LINE__);
	if (strcmp(got, expected) != 0)
		printf("# got      %s\n# expected %s\n", got, expected);
}

/* the elements of an array that is member "a" of an object, in the same way */
static void
check_array(const char *array, const char *expected)
{
	static char out[4096];
	StashJsonReader reader;
	StashJsonMember member;
	StashJsonPiece value;
	StashJsonKind kind;
	Size		len = strlen(array) + 6;
	char	   *object = malloc(len);
	char	   *to = out;

	memcpy(object, "{\"a\":", 5);
	memcpy(object + 5, array, len - 6);
	object[len - 1] = '}';
	*to = '\0';
	unit_check(stash_json_open(&reader, object, len) && stash_json_next(&reader, &member), array, __FILE__, __LINE__);
	stash_json_open_array(&reader, &member.value);
	while (stash_json_next_element(&reader, &kind, &value))
		to += sprintf(to, "%d:%.*s;", kind, (int) value.len, value.data);
	unit_check(reader.error == NULL && strcmp(out, expected) == 0, array, __FILE__, __LINE__);
	free(object);
}

int
main(void)
{
	char		deep[3000];

	check_array("[]", "");
	check_array("[ ]", "");
	check_array("[1,-2.5 , true,false,null]", "3:1;3:-2.5;2:true;1:false;0:null;");
	check_array("[ \"a,]\\\"\" ,[1,[2]],{\"b\":[3]} ]", "4:a,]\\\";6:[1,[2]];5:{\"b\":[3]};");
	check("{}", "");
	check(" \t\r\n{ } ", "");
	check("{\"a\":1}", "a=number:1;");
	check("{\"a\" : -0.5e+10 , \"b\":null,\"c\":true,\"d\":false}", "a=number:-0.5e+10;b=null:null;c=true:true;d=false:false;");
	check("{\"a\":\"plain text that is longer than eight bytes\"}", "a=string:plain text that is longer than eight bytes;");
	check("{\"a\":\"\"}", "a=string:;");
	check("{\"\":\"\xC3\xA4\xF0\x9F\x98\x80\"}", "=string:\xC3\xA4\xF0\x9F\x98\x80;");
	check("{\"a\":\"q\\\" s\\\\ \\/ \\b\\f\\n\\r\\t\"}", "a=string:<q\" s\\ / \b\f\n\r\t>;");
	check("{\"a\":\"\\u0041\\u00e4\\u4E16\\ud83d\\ude00\"}", "a=string:<A\xC3\xA4\xE4\xB8\x96\xF0\x9F\x98\x80>;");
	check("{\"a\":\"\\u0000\"}", "a=string:no text;");
	check("{\"a\":\"\\ud83d\"}", "a=string:no text;");
	check("{\"a\":\"\\ud83dx\"}", "a=string:no text;");
	check("{\"a\":\"\\ud83d\\u0041\"}", "a=string:no text;");
	check("{\"a\":\"\\ude00\"}", "a=string:no text;");
	check("{\"a\":[1,[],{\"x\":[\"]}\"]}],\"b\":{\"c\":{}}}", "a=array:[1,[],{\"x\":[\"]}\"]}];b=object:{\"c\":{}};");
	check("{\"a\":1,\"a\":2}", "a=number:1;a=number:2;");

	check("", "at 0: object expected");
	check("[1]", "at 0: object expected");
	check("{", "at 1: key expected");
	check("{\"a\"", "at 4: \":\" expected after a key");
	check("{\"a\":", "at 5: value expected");
	check("{\"a\":1", "a=number:1;at 6: \",\" or \"}\" expected");
	check("{\"a\":1,}", "a=number:1;at 7: key expected");
	check("{\"a\":1}x", "a=number:1;at 7: nothing expected after the object");
	check("{\"a\":1}{}", "a=number:1;at 7: nothing expected after the object");
	check("{a:1}", "at 1: key expected");
	check("{\"a\":'x'}", "at 5: value expected");
	check("{\"a\":nul}", "at 5: value expected");
	check("{\"a\":NaN}", "at 5: value expected");
	check("{\"a\":01}", "a=number:0;at 6: \",\" or \"}\" expected");
	check("{\"a\":+1}", "at 5: value expected");
	check("{\"a\":-}", "at 6: digit expected in a number");
	check("{\"a\":1.}", "at 7: digit expected in a number");
	check("{\"a\":1e}", "at 7: digit expected in a number");
	check("{\"a\":\"x", "at 7: string does not end");
	check("{\"a\":\"x\\", "at 8: string does not end");
	check("{\"a\":\"\\x\"}", "at 7: unknown escape in a string");
	check("{\"a\":\"\\u12g4\"}", "at 10: \\u needs four hexadecimal digits");
	check("{\"a\":\"\\u12", "at 10: \\u needs four hexadecimal digits");
	check("{\"a\":\"tab\there\"}", "at 9: control character in a string");
	check("{\"a\":\"0123456789\x1F\"}", "at 16: control character in a string");
	check("{\"a\":[1,]}", "at 8: value expected");
	check("{\"a\":[1 2]}", "at 8: \",\" or \"]\" expected");
	check("{\"a\":{\"b\"}}", "at 9: \":\" expected after a key");
	check("{\"a\":[", "at 6: value expected");

	memset(deep, '[', sizeof(deep));
	memcpy(deep, "{\"a\":", 5);
	deep[sizeof(deep) - 1] = '\0';
	CHECK(strstr(read_all(deep), "nested too deeply") != NULL);
	return unit_report();
}
