//JAVA 25+

package stream.simulator;

/** What an answer consists of, one part after the other. */
enum AnswerPart { REASONING, TEXT, TOOL_CALL }
