// ONNX models of one operation, written field by field: just enough of onnx.proto3 for a graph of float matrices.
// Field numbers: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3
import protobuf from 'protobufjs/minimal.js';

const VARINT = 0;
const BYTES = 2;
const FLOAT = 1; // TensorProto.DataType
const INT = 2; // AttributeProto.AttributeType
const IR_VERSION = 8;
const OPSET = 17;

const text = (writer, field, value) => writer.uint32((field << 3) | BYTES).string(value);
const integer = (writer, field, value) => writer.uint32((field << 3) | VARINT).int64(value);
function message(writer, field, fill) {
  writer.uint32((field << 3) | BYTES).fork();
  fill(writer);
  writer.ldelim();
}

function valueInfo(writer, field, name, shape) {
  message(writer, field, (info) => {
    text(info, 1, name);
    message(info, 2, (type) =>
      message(type, 1, (tensor) => {
        integer(tensor, 1, FLOAT);
        message(tensor, 2, (dims) => {
          for (const size of shape) message(dims, 1, (dim) => integer(dim, 1, size));
        });
      }),
    );
  });
}

function nodeProto(writer, { op, inputs, outputs, attributes = {} }) {
  message(writer, 1, (node) => {
    for (const name of inputs) text(node, 1, name);
    for (const name of outputs) text(node, 2, name);
    text(node, 4, op);
    for (const [name, value] of Object.entries(attributes)) {
      message(node, 5, (attribute) => {
        text(attribute, 1, name);
        integer(attribute, 3, value);
        integer(attribute, 20, INT);
      });
    }
  });
}

/**
 * @param nodes [{ op, inputs, outputs, attributes }], the attributes being integers
 * @param inputs, outputs { name: shape }, all float32
 * @returns the bytes of a ModelProto
 */
export function onnxModel({ nodes, inputs, outputs }) {
  const writer = new protobuf.Writer();
  integer(writer, 1, IR_VERSION);
  message(writer, 7, (graph) => {
    for (const node of nodes) nodeProto(graph, node);
    text(graph, 2, 'graph');
    for (const [name, shape] of Object.entries(inputs)) valueInfo(graph, 11, name, shape);
    for (const [name, shape] of Object.entries(outputs)) valueInfo(graph, 12, name, shape);
  });
  message(writer, 8, (opset) => integer(opset, 2, OPSET));
  return writer.finish();
}
