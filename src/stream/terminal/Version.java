//JAVA 25+

package stream;

/** The version of this tool. */
final class Version {

    static final String NUMBER = "0.1.0";

    private Version() { }
}
