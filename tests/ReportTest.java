package stream;
class ReportTest { }
