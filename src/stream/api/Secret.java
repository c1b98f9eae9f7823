//JAVA 25+

package stream.api;

/** A key; its value is not printed by accident. */
record Secret(String value) {
    @Override
    public String toString() {
        return "(a key)";
    }
}
