//JAVA 25+
//SOURCES SocketInput.java

package stream.client;

/** Takes what sockets have brought, in turns on a thread that many streams share; it must not wait. */
interface InputConsumer {

    /** Takes what there is now; returns whether another turn is wanted though nothing new may come. */
    boolean take(SocketInput input);
}
